"""Processor time of a sweep of 32 points (sparsity x bits), compared with public tools.

The public tools make one point at a time. Both sides make every model and evaluate it on the
validation split; neither measures latency. The cost is the processor time of all processes, imports
included.

    pip install -r requirements-benchmarks.txt
    python benchmarks/sweep_cost.py [minilm-trec] [--sparsity 0,.1,...] [--bits 32,8,4,2]
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

from paretoscope.catalog import request
from paretoscope.recipes.recipe import Recipe
from paretoscope.recipes.stages import PruneWeights, Quantize, Stage
from paretoscope.sources.resolve import resolve_model
from paretoscope.tasks.load import export_split, load_task
from paretoscope.tasks.resolve import resolve_task
from paretoscope.workspace import PROJECT, Workspace

PEER = PROJECT / "benchmarks" / "peers" / "one_point.py"


def recipe(sparsity: float, bits: int) -> Recipe:
    stages: list[Stage] = [PruneWeights(sparsity=sparsity)] if sparsity else []
    if bits == 8:
        stages.append(Quantize())
    elif bits != 32:
        stages.append(Quantize(scheme="weight-only", bits=bits))
    return Recipe.model_validate({"stages": [stage.canonical() for stage in stages]})


def ours(model: str, points: list[tuple[float, int]], workspace: Path) -> list[float]:
    """Accuracies of all points, made and evaluated in one process like a worker of the engine."""
    from paretoscope.engine.build import Bench
    from paretoscope.engine.measuring import quality_of
    from paretoscope.engine.progress import Steps

    found: list[float] = []
    for sparsity, bits in points:
        wanted = request(model, recipe(sparsity, bits))
        bench = Bench(wanted, Workspace(workspace), Steps(wanted.recipe, lambda progress: None))
        found.append(quality_of(bench, wanted.recipe).value)
    return found


def processor_seconds(command: list[str]) -> tuple[float, str]:
    """User and system time of a command with its children, and its output."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    printed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, printed


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("model", nargs="?", default="minilm-trec")
    parser.add_argument("--sparsity", default="0,.1,.2,.3,.4,.5,.6,.7")
    parser.add_argument("--bits", default="32,8,4,2")
    parser.add_argument("--one-side", metavar="WORKSPACE", help=argparse.SUPPRESS)
    args = parser.parse_args()
    points = [
        (float(sparsity), int(bits))
        for sparsity in args.sparsity.split(",")
        for bits in args.bits.split(",")
    ]
    if args.one_side:
        print(json.dumps(ours(args.model, points, Path(args.one_side))))
        return
    with tempfile.TemporaryDirectory() as folder:
        compare(args.model, points, args.sparsity, args.bits, Path(folder))


def compare(
    model: str, points: list[tuple[float, int]], sparsities: str, widths: str, folder: Path
) -> None:
    from paretoscope.models.checkpoint import prepare

    found = resolve_model(model)
    assert found.task is not None, "choose a model with a task"
    task = load_task(resolve_task(found.task), found.outputs)
    prepare(found, task, folder / "checkpoint")
    export_split(task, "validation", folder / "validation.jsonl")
    sweep = ["--sparsity", sparsities, "--bits", widths, "--one-side", str(folder / "workspace")]
    our_seconds, printed = processor_seconds([sys.executable, __file__, model, *sweep])
    their_seconds = 0.0
    print(f"{'sparsity':>8} {'bits':>4} {'ours':>7} {'public tools':>13}")
    for (sparsity, bits), accuracy in zip(points, json.loads(printed), strict=True):
        point = ["--sparsity", str(sparsity), "--bits", str(bits)]
        paths = (PEER, folder / "checkpoint", folder / "validation.jsonl")
        seconds, printed = processor_seconds([sys.executable, *map(str, paths), *point])
        their_seconds += seconds
        theirs = json.loads(printed)["accuracy"]
        print(f"{sparsity:>8} {bits:>4} {accuracy:>7.4f} {theirs:>13.4f}", flush=True)
    print(
        f"processor time of {len(points)} points: ours {our_seconds:.0f} s, public tools one at a"
        f" time {their_seconds:.0f} s"
    )
    print(f"ratio ours / public tools: {our_seconds / their_seconds:.3f}")


if __name__ == "__main__":
    main()
