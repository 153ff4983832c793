"""Measure what pruning, quantization and distillation do to encoders, next to public tools.

    pip install -r requirements-benchmarks.txt
    python -m benchmarks.encoders --estimate
    python -m benchmarks.encoders --only tenth,time --models minilm-trec --split test

Each section prints its results and reports, for each target, whether it was met (PASS or MISSED).
With --workspace an interrupted run continues where it stopped: models, logits, latencies and the
models of public tools are kept there. Latency needs an otherwise idle machine.
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
from benchmarks.encoders.evaluation import Options
from benchmarks.encoders.expected_minutes import Workload, expected_minutes
from benchmarks.verdicts import environment, estimate
from paretoscope.workspace import Workspace

SECTIONS: dict[str, tuple[Callable[[Options], None], Callable[[Options, str], Workload]]] = {
    "tenth": (tenth.run, tenth.workload),
    "unstructured": (unstructured.run, unstructured.workload),
    "low-bits": (low_bits.run, low_bits.workload),
    "qat": (qat.run, qat.workload),
    "teacher": (teacher.run, teacher.workload),
    "time": (cost.run, cost.workload),
}
"""Runs a section, and lists the models that it makes of one built-in model."""


def main(arguments: Sequence[str] | None = None) -> int:
    parser = _parser()
    args = parser.parse_args(arguments)
    names = args.only.split(",")
    if unknown := [name for name in names if name not in SECTIONS]:
        parser.error(f'unknown section "{unknown[0]}"; choose from {", ".join(SECTIONS)}')
    reduced = f"; TRAINING REDUCED TO {args.training:g}" if args.training != 1 else ""
    print(environment())
    print(f"accuracy on the {args.split} split, 95 % intervals{reduced}")
    with tempfile.TemporaryDirectory(prefix="paretoscope-") as folder:
        options = _options(args, Workspace.at(args.workspace or folder))
        expected = {name: _minutes(options, name) for name in names}
        print(estimate(expected), flush=True)
        return 0 if args.estimate else _run(options, expected, args.within)


def _options(args: argparse.Namespace, workspace: Workspace) -> Options:
    return Options(
        models=tuple(args.models.split(",")),
        seeds=tuple(map(int, args.seeds.split(","))),
        split=args.split,
        training=args.training,
        protocol=args.protocol,
        workspace=workspace,
    )


def _minutes(options: Options, name: str) -> float:
    workload = SECTIONS[name][1]
    return sum(
        expected_minutes(options, model, workload(options, model)) for model in options.models
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.encoders",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("--only", default=",".join(SECTIONS), help=", ".join(SECTIONS))
    add("--models", default="minilm-trec,minilm-movies")
    add("--seeds", default="0,1,2")
    add("--split", choices=("validation", "test"), default="validation", help="split for accuracy")
    add(
        "--training",
        type=float,
        default=1.0,
        metavar="SHARE",
        help="share of all training epochs, to test the benchmark itself",
    )
    add(
        "--protocol",
        choices=("quick", "standard"),
        default="standard",
        help="length of the latency measurement",
    )
    add("--workspace", type=Path, help="keep models and results here (default: temporary)")
    add(
        "--within",
        type=float,
        default=math.inf,
        metavar="MIN",
        help="skip sections that are not expected to finish within this many minutes",
    )
    add("--estimate", action="store_true", help="print the expected duration and exit")
    return parser


def _run(options: Options, expected: Mapping[str, float], within: float) -> int:
    """Run the sections in order; exit status 1 when at least one failed.

    A failed section does not stop the others. A section that is not expected to finish `within`
    minutes of the start is skipped.
    """
    failed: list[str] = []
    begun = time.perf_counter()
    for name, minutes in expected.items():
        start = time.perf_counter()
        if (start - begun) / 60 + minutes > within:
            print(f"\n## {name}: skipped, expected duration {minutes:.0f} min", flush=True)
            continue
        try:
            SECTIONS[name][0](options)
        except Exception as error:  # noqa: BLE001  one failure must not cost hours of other sections
            traceback.print_exc()
            print(
                f"  FAILED  {name}: {type(error).__name__}: {error}; with --workspace a second run"
                " continues here",
                flush=True,
            )
            failed.append(name)
        print(f"  {name} finished in {(time.perf_counter() - start) / 60:.1f} min", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
