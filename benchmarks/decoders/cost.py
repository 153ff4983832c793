"""What GPTQ over the whole model costs, seconds and peak memory, and what the points of a sweep
make once for all of them.

Always in a fresh workspace, so that nothing is found in a cache, and the first in a process of its
own, so that its peak is its own.
"""

from __future__ import annotations

import multiprocessing
import tempfile
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from itertools import product
from typing import Any
from unittest.mock import patch

import torch

from benchmarks.decoders.judge import Asked, Found, Stages, made
from benchmarks.passes import counted
from paretoscope.engine import pipeline
from paretoscope.machine import usable_cores
from paretoscope.measure.worker import resident
from paretoscope.workspace import Workspace

GPTQ: Stages = [{"kind": "quantize", "scheme": "weight-only", "bits": 4, "rounding": "gptq"}]
SWEEP = {
    f"{bits:g} bits {rounding}": [
        {"kind": "quantize", "scheme": "weight-only", "bits": bits, "rounding": rounding}
    ]
    for rounding, bits in product(("gptq", "awq", "hqq"), (8, 4, 3, 2))
}
"""Twelve points, from one base, one export and one set of Hessians."""
MOST_MINUTES, MOST_BYTES = 4.0, 3e9


@dataclass(frozen=True)
class Cost:
    """Of one stage: seconds, and bytes that the process had resident at most, everything that it
    imports with them.
    """

    seconds: float
    peak_bytes: int
    empty_bytes: int
    """Resident before anything was loaded but the imports."""


def run(asked: Asked) -> None:
    found = Found("time", asked)
    with tempfile.TemporaryDirectory(prefix="paretoscope-") as folder, _alone() as process:
        cost = process.submit(measured, asked, folder).result()
    wanted = (
        f"GPTQ over the whole model in at most {MOST_MINUTES:g} minutes and {MOST_BYTES / 1e9:g} GB"
    )
    said = (
        f"{cost.seconds:.0f} s, {cost.peak_bytes / 1e9:.2f} GB resident at most"
        f" ({cost.empty_bytes / 1e9:.2f} GB of it imports)"
    )
    found.verdict(wanted, said, cost.seconds <= MOST_MINUTES * 60 and cost.peak_bytes <= MOST_BYTES)
    with tempfile.TemporaryDirectory(prefix="paretoscope-") as folder:
        points = _sweep(asked, folder)
    again = {
        name: sum(point[name] for point in points[1:]) for name in ("bases", "exports", "passes")
    }
    said = f"first point {points[0]}, the other {len(points) - 1} together {again}"
    found.verdict(
        f"a sweep of {len(points)} points makes base, export and Hessians once",
        said,
        not any(again.values()),
    )
    found.write(gptq=vars(cost), sweep=points)


def measured(asked: Asked, folder: str) -> Cost:
    """GPTQ in this process, from an exported graph to a quantized one."""
    torch.set_num_threads(min(asked.conditions.threads, usable_cores()))
    empty = resident.now()
    bench = asked.bench(Workspace.at(folder))
    made(bench, [])
    resident.reset_peak()
    return Cost(made(bench, GPTQ).stage_seconds[0], resident.peak(), empty)


def _alone() -> ProcessPoolExecutor:
    return ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn"))


def _sweep(asked: Asked, folder: str) -> list[dict[str, Any]]:
    """Of each point what it made anew, and its seconds."""
    bench = asked.bench(Workspace.at(folder))
    points: list[dict[str, Any]] = []
    for name, stages in SWEEP.items():
        bases = patch.object(pipeline, "prepare", wraps=pipeline.prepare)
        exports = patch.object(pipeline, "export", wraps=pipeline.export)
        with bases as prepared, exports as exported, counted() as passes:
            seconds = sum(made(bench, stages).stage_seconds)
        points.append(
            {
                "name": name,
                "bases": prepared.call_count,
                "exports": exported.call_count,
                "passes": passes.count,
                "seconds": seconds,
            }
        )
        print(
            f"  {name:<14} {seconds:6.1f} s, {passes.count} passes over the calibration texts",
            flush=True,
        )
    return points
