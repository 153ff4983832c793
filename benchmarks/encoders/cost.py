"""Seconds of SparseGPT and GPTQ over the whole encoder, and how often the calibration texts run for
the points of a sweep.

Always in a fresh workspace, so that nothing is found in a cache. SparseGPT takes each layer's
inputs from the layers that are pruned already, as its authors do: they differ with the sparsity, so
another sparsity cannot share them. Wanda's and GPTQ's are those of the whole model.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import replace

import torch

from benchmarks.encoders.judge import CONDITIONS, Asked, bench_of
from benchmarks.encoders.minutes import Work
from benchmarks.passes import counted
from benchmarks.telling import title, verdict
from paretoscope.engine.pipeline import Bench
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


def run(asked: Asked) -> None:
    threads = min(CONDITIONS.threads, usable_cores())
    torch.set_num_threads(threads)
    for model in asked.models:
        title(
            "time", f"{model}, {threads} threads, calibration split; each sweep from an empty cache"
        )
        for name, stages in SWEEPS.items():
            with tempfile.TemporaryDirectory(prefix="paretoscope-") as folder:
                _sweep(
                    name, stages, bench_of(replace(asked, workspace=Workspace.at(folder)), model)
                )


def work(asked: Asked, model: str) -> Work:
    return Work(tuple(Recipe(stages=(stage,)) for stages in SWEEPS.values() for stage in stages))


def _sweep(name: str, stages: Sequence[AnyStage], bench: Bench) -> None:
    bench.make(Recipe())
    seconds: list[float] = []
    passes: list[int] = []
    for stage in stages:
        with counted() as made:
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
