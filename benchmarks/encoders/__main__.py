"""What pruning, quantization and distillation do on encoders, measured side by side with public
tools.

    pip install -r requirements-benchmarks.txt python -m benchmarks.encoders [--only tenth,time]
    [--seeds 0,1,2] [--models minilm-trec,minilm-movies] [--split test] [--estimate]

A section prints what it found and, for each figure that was wanted of it, PASS or MISSED. With
--workspace a run that was broken off goes on where it was: models, answers, times and what the
peers made are kept there. Latency holds the machine alone; leave the machine alone meanwhile, too.
"""

from __future__ import annotations

import argparse
import math
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from benchmarks.encoders import cost, low_bits, qat, teacher, tenth, unstructured
from benchmarks.encoders.judge import Asked
from benchmarks.encoders.minutes import Work, minutes
from benchmarks.telling import ran_on
from paretoscope.workspace import Workspace

SECTIONS: dict[str, tuple[Callable[[Asked], None], Callable[[Asked, str], Work]]] = {
    "tenth": (tenth.run, tenth.work),
    "unstructured": (unstructured.run, unstructured.work),
    "low-bits": (low_bits.run, low_bits.work),
    "qat": (qat.run, qat.work),
    "teacher": (teacher.run, teacher.work),
    "time": (cost.run, cost.work),
}
"""What a section does, and what it makes of one model."""


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.encoders",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--only", default=",".join(SECTIONS), help=", ".join(SECTIONS))
    parser.add_argument("--models", default="minilm-trec,minilm-movies")
    parser.add_argument("--seeds", default="0,1,2")
    parser.add_argument(
        "--split",
        choices=("validation", "test"),
        default="validation",
        help="what accuracy is judged on",
    )
    parser.add_argument(
        "--training",
        type=float,
        default=1.0,
        metavar="SHARE",
        help="share of every training, to try the benchmark itself",
    )
    parser.add_argument(
        "--protocol",
        choices=("quick", "standard"),
        default="standard",
        help="how long latency is looked at",
    )
    parser.add_argument(
        "--workspace", type=Path, help="keep what is made there (default: a temporary folder)"
    )
    parser.add_argument(
        "--within",
        type=float,
        default=math.inf,
        metavar="MIN",
        help="leave out sections that would take longer than is left of this",
    )
    parser.add_argument(
        "--estimate",
        action="store_true",
        help="say about how long each section takes here, and end",
    )
    given = parser.parse_args(arguments)
    names = given.only.split(",")
    if unknown := [name for name in names if name not in SECTIONS]:
        parser.error(f'there is no section "{unknown[0]}"; choose from {", ".join(SECTIONS)}')
    print(ran_on())
    print(
        f"accuracy on the {given.split} split, intervals at 95 %"
        + (f"; TRAINING CUT TO {given.training:g}: no result" if given.training != 1 else "")
    )
    with tempfile.TemporaryDirectory(prefix="paretoscope-") as folder:
        workspace = Workspace.at(given.workspace or folder)
        models, seeds = tuple(given.models.split(",")), tuple(map(int, given.seeds.split(",")))
        asked = Asked(models, seeds, given.split, given.training, given.protocol, workspace)
        expected = {
            name: sum(minutes(asked, model, SECTIONS[name][1](asked, model)) for model in models)
            for name in names
        }
        print(
            "about "
            + ", ".join(f"{name} {each:.0f} min" for name, each in expected.items())
            + f": {sum(expected.values()):.0f} min",
            flush=True,
        )
        return 0 if given.estimate else _run(asked, expected, given.within)


def _run(asked: Asked, expected: Mapping[str, float], within: float) -> int:
    """Section after section; one that breaks off says why and holds up no other. The exit status is
    1 when one did.

    A section that is expected to end after `within` minutes is left for another run.
    """
    broken: list[str] = []
    begun = time.perf_counter()
    for name, takes in expected.items():
        start = time.perf_counter()
        if (start - begun) / 60 + takes > within:
            print(
                f"\n## {name}: left for another run, for it takes about {takes:.0f} min", flush=True
            )
            continue
        try:
            SECTIONS[name][0](asked)
        except Exception as error:  # noqa: BLE001  hours of other sections are not lost to one
            traceback.print_exc()
            print(
                f"  BROKEN OFF  {name}: {type(error).__name__}: {error}; with --workspace, run it"
                " again to go on",
                flush=True,
            )
            broken.append(name)
        print(f"  {name} took {(time.perf_counter() - start) / 60:.1f} min", flush=True)
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
