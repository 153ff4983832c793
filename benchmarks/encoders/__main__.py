"""What pruning, quantization and distillation do on encoders, measured side by side with public tools.

    pip install -r requirements-benchmarks.txt
    python -m benchmarks.encoders [--only tenth,time] [--seeds 0,1,2] [--models minilm-trec,minilm-movies] [--split test]

A section prints what it found and, for each figure that was wanted of it, PASS or MISSED. With --workspace a run that
was broken off goes on where it was. Latency holds the machine alone; leave the machine alone meanwhile, too.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable
from pathlib import Path

from benchmarks.encoders import cost, low_bits, qat, teacher, tenth, unstructured
from benchmarks.encoders.judge import Asked
from benchmarks.telling import ran_on
from compression.workspace import Workspace

SECTIONS: dict[str, Callable[[Asked], None]] = {
    "tenth": tenth.run,
    "unstructured": unstructured.run,
    "low-bits": low_bits.run,
    "qat": qat.run,
    "teacher": teacher.run,
    "time": cost.run,
}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.encoders", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default=",".join(SECTIONS), help=", ".join(SECTIONS))
    parser.add_argument("--models", default="minilm-trec,minilm-movies")
    parser.add_argument("--seeds", default="0,1,2")
    parser.add_argument("--split", choices=("validation", "test"), default="validation", help="what accuracy is judged on")
    parser.add_argument("--training", type=float, default=1.0, metavar="SHARE", help="share of every training, to try the benchmark itself")
    parser.add_argument("--protocol", choices=("quick", "standard"), default="standard", help="how long latency is looked at")
    parser.add_argument("--workspace", type=Path, help="keep what is made there (default: a temporary folder)")
    given = parser.parse_args()
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
        for name in names:
            SECTIONS[name](asked)


if __name__ == "__main__":
    main()
