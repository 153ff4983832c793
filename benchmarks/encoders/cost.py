"""Seconds of SparseGPT and GPTQ over the whole encoder, and calibration passes of a sweep.

Each sweep starts in a fresh workspace, without a cache. As in its paper, SparseGPT computes the
inputs of a layer from the pruned layers before it. They depend on the sparsity, so a sweep cannot
share them. Wanda and GPTQ use the inputs of the unpruned model.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import replace

import torch

from benchmarks.calibration_passes import count_passes
from benchmarks.encoders.evaluation import CONDITIONS, Options, bench_of
from benchmarks.encoders.expected_minutes import Workload
from benchmarks.verdicts import title, verdict
from paretoscope.engine.build import Bench
from paretoscope.machine import usable_cores
from paretoscope.recipes.recipe import Recipe
from paretoscope.recipes.stages import AnyStage, PruneWeights, Quantize
from paretoscope.workspace import Workspace

MOST_SECONDS = 20.0
SWEEPS: dict[str, Sequence[AnyStage]] = {
    "gptq": [Quantize(scheme="weight-only", bits=bits, rounding="gptq") for bits in (4, 8, 2)],
    "wanda": [PruneWeights(method="wanda", sparsity=sparsity) for sparsity in (0.5, 0.6, 0.7)],
    "sparsegpt": [
        PruneWeights(method="sparsegpt", sparsity=sparsity) for sparsity in (0.5, 0.6, 0.7)
    ],
}
TIMED = ("gptq", "sparsegpt")


def run(options: Options) -> None:
    threads = min(CONDITIONS.threads, usable_cores())
    torch.set_num_threads(threads)
    for model in options.models:
        title(
            "time", f"{model}, {threads} threads, calibration split; each sweep with an empty cache"
        )
        for name, stages in SWEEPS.items():
            with tempfile.TemporaryDirectory(prefix="paretoscope-") as folder:
                _sweep(
                    name, stages, bench_of(replace(options, workspace=Workspace.at(folder)), model)
                )


def workload(options: Options, model: str) -> Workload:
    return Workload(
        tuple(Recipe(stages=(stage,)) for stages in SWEEPS.values() for stage in stages)
    )


def _sweep(name: str, stages: Sequence[AnyStage], bench: Bench) -> None:
    bench.make(Recipe())
    seconds: list[float] = []
    passes: list[int] = []
    for stage in stages:
        with count_passes() as made:
            seconds.append(bench.make(Recipe(stages=(stage,))).stage_seconds[0])
        passes.append(made.count)
        print(
            f"  {stage.in_words():<26} {seconds[-1]:6.1f} s, {passes[-1]} passes over the"
            " calibration texts",
            flush=True,
        )
    if name in TIMED:
        verdict(
            f"{name} over the whole encoder in at most {MOST_SECONDS:.0f} s",
            f"{seconds[0]:.1f} s",
            seconds[0] <= MOST_SECONDS,
        )
    again = sum(passes[1:])
    verdict(
        f"{name}: Hessians once for the whole sweep",
        f"{passes[0]} passes, then {again} for {len(passes) - 1} more points",
        again == 0,
    )
