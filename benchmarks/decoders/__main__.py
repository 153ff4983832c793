"""Measure what compression does to a language model, and compare it with llama.cpp.

    pip install -r requirements-benchmarks.txt
    python -m benchmarks.decoders --estimate
    python -m benchmarks.decoders four-bits pruning --workspace DIR

Each section prints a table and reports, for each target, whether it was met (PASS or MISSED). It
writes both to SECTION.json. With --workspace an interrupted run continues where it stopped. Latency
needs an otherwise idle machine.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from benchmarks.decoders import cost, four_bits, llama, long_texts, low_bits, pruning
from benchmarks.decoders.evaluation import Options
from benchmarks.decoders.expected_minutes import Workload, expected_minutes
from benchmarks.verdicts import environment, estimate
from paretoscope.machine import usable_cores
from paretoscope.trials.request import Conditions
from paretoscope.workspace import Workspace

SECTIONS: dict[str, tuple[Callable[[Options], None], Callable[[], Workload]]] = {
    "four-bits": (four_bits.run, four_bits.workload),
    "llama": (llama.run, llama.workload),
    "low-bits": (low_bits.run, low_bits.workload),
    "pruning": (pruning.run, pruning.workload),
    "time": (cost.run, cost.workload),
    "long-texts": (long_texts.run, long_texts.workload),
}
"""Runs a section, and lists the models that it makes."""


def main(arguments: Sequence[str] | None = None) -> None:
    parser = _parser()
    args = parser.parse_args(arguments)
    names = args.sections or list(SECTIONS)
    if unknown := [name for name in names if name not in SECTIONS]:
        parser.error(f'unknown section "{unknown[0]}"; choose from {", ".join(SECTIONS)}')
    print(environment(), flush=True)
    with tempfile.TemporaryDirectory(prefix="paretoscope-") as folder:
        options = _options(args, Workspace.at(args.workspace or folder))
        minutes = {name: expected_minutes(options, SECTIONS[name][1]()) for name in names}
        print(estimate(minutes), flush=True)
        for name in [] if args.estimate else names:
            SECTIONS[name][0](options)


def _options(args: argparse.Namespace, workspace: Workspace) -> Options:
    return Options(
        model=args.model,
        task=args.task,
        protocol=args.protocol,
        conditions=Conditions(sequence=args.prompt, threads=args.threads),
        workspace=workspace,
        to=args.to or workspace.root / "benchmarks",
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.decoders",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("sections", nargs="*", metavar="SECTION", help=f"{', '.join(SECTIONS)} (default: all)")
    add("--model", default="smollm2-135m")
    add("--task", help="prose to score (default: the model's own task)")
    add("--prompt", type=int, default=128, help="prompt tokens for latency")
    add("--threads", type=int, default=min(2, usable_cores()))
    add(
        "--protocol",
        choices=("quick", "standard"),
        default="standard",
        help="number of scored tokens and length of the latency measurement",
    )
    add("--workspace", type=Path, help="keep models and results here (default: temporary)")
    add("--to", type=Path, help="folder of the JSON files (default: benchmarks/ in the workspace)")
    add("--estimate", action="store_true", help="print the expected duration and exit")
    return parser


if __name__ == "__main__":
    main()
