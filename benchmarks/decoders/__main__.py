"""What compression does to a language model, measured.

    pip install -r requirements-benchmarks.txt
    python -m benchmarks.decoders [four-bits llama low-bits pruning time long-texts] --workspace DIR

A section prints a table and, for each figure that was wanted of it, PASS or MISSED, and leaves both
in SECTION.json. With --workspace a run that was broken off goes on where it was. Latency holds the
machine alone; leave the machine alone meanwhile, too.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from benchmarks.decoders import cost, four_bits, llama, long_texts, low_bits, pruning
from benchmarks.decoders.judge import Asked
from benchmarks.telling import ran_on
from paretoscope.machine import usable_cores
from paretoscope.trials.trial import Conditions
from paretoscope.workspace import Workspace

SECTIONS: dict[str, Callable[[Asked], None]] = {
    "four-bits": four_bits.run,
    "llama": llama.run,
    "low-bits": low_bits.run,
    "pruning": pruning.run,
    "time": cost.run,
    "long-texts": long_texts.run,
}


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.decoders",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "sections", nargs="*", metavar="SECTION", help=f"{', '.join(SECTIONS)} (default: all)"
    )
    parser.add_argument("--model", default="smollm2-135m")
    parser.add_argument("--task", help="default: the model's own")
    parser.add_argument(
        "--prompt", type=int, default=128, help="tokens of the prompt when time is taken"
    )
    parser.add_argument("--threads", type=int, default=min(2, usable_cores()))
    parser.add_argument(
        "--protocol",
        choices=("quick", "standard"),
        default="standard",
        help="how much is scored and how long time is looked at",
    )
    parser.add_argument(
        "--workspace", type=Path, help="keep what is made there (default: a temporary folder)"
    )
    parser.add_argument(
        "--to", type=Path, help="folder of the JSON files (default: benchmarks/ in the workspace)"
    )
    given = parser.parse_args(arguments)
    if unknown := [name for name in given.sections if name not in SECTIONS]:
        parser.error(f'there is no section "{unknown[0]}"; choose from {", ".join(SECTIONS)}')
    print(ran_on(), flush=True)
    with tempfile.TemporaryDirectory(prefix="paretoscope-") as folder:
        workspace = Workspace.at(given.workspace or folder)
        at = Conditions(sequence=given.prompt, threads=given.threads)
        asked = Asked(
            given.model,
            given.task,
            given.protocol,
            at,
            workspace,
            given.to or workspace.root / "benchmarks",
        )
        for name in given.sections or SECTIONS:
            SECTIONS[name](asked)


if __name__ == "__main__":
    main()
