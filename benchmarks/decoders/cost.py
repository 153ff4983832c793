"""Seconds and peak memory of GPTQ over the whole model, and the steps that a sweep shares.

Both run in a fresh workspace, without a cache. GPTQ runs in a separate process, so that its peak
memory is not mixed with anything else.
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

from benchmarks.calibration_passes import count_passes
from benchmarks.decoders.evaluation import Options, Report, Stages, made
from benchmarks.decoders.expected_minutes import Workload
from paretoscope.engine import build
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
"""Twelve points that share one checkpoint, one export and one set of Hessians."""
SHARED = ("checkpoints", "exports", "passes")
MOST_MINUTES, MOST_BYTES = 4.0, 3e9


@dataclass(frozen=True)
class Cost:
    """Seconds of one stage, and peak resident bytes of its process, imports included."""

    seconds: float
    peak_bytes: int
    empty_bytes: int
    """Resident bytes after the imports, before the model is loaded."""


def run(options: Options) -> None:
    report = Report("time", options)
    with tempfile.TemporaryDirectory(prefix="paretoscope-") as folder, _new_process() as process:
        cost = process.submit(measured, options, folder).result()
    report.verdict(
        f"GPTQ over the whole model in at most {MOST_MINUTES:g} minutes and"
        f" {MOST_BYTES / 1e9:g} GB",
        f"{cost.seconds:.0f} s, {cost.peak_bytes / 1e9:.2f} GB peak memory"
        f" ({cost.empty_bytes / 1e9:.2f} GB of it imports)",
        cost.seconds <= MOST_MINUTES * 60 and cost.peak_bytes <= MOST_BYTES,
    )
    with tempfile.TemporaryDirectory(prefix="paretoscope-") as folder:
        points = _sweep(options, folder)
    repeated = {name: sum(point[name] for point in points[1:]) for name in SHARED}
    report.verdict(
        f"a sweep of {len(points)} points makes checkpoint, export and Hessians once",
        f"first point {points[0]}, the other {len(points) - 1} together {repeated}",
        not any(repeated.values()),
    )
    report.write(gptq=vars(cost), sweep=points)


def workload() -> Workload:
    return Workload({"gptq": GPTQ, **SWEEP}, scored=False)


def measured(options: Options, folder: str) -> Cost:
    """The cost of GPTQ in this process, from an exported graph to a quantized one."""
    torch.set_num_threads(min(options.conditions.threads, usable_cores()))
    empty = resident.now()
    bench = options.bench(Workspace.at(folder))
    made(bench, [])
    resident.reset_peak()
    return Cost(made(bench, GPTQ).stage_seconds[0], resident.peak(), empty)


def _new_process() -> ProcessPoolExecutor:
    return ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn"))


def _sweep(options: Options, folder: str) -> list[dict[str, Any]]:
    """For each point: its seconds, and the steps that it did not find in the cache."""
    bench = options.bench(Workspace.at(folder))
    points: list[dict[str, Any]] = []
    for name, stages in SWEEP.items():
        checkpoints = patch.object(build, "prepare", wraps=build.prepare)
        exports = patch.object(build, "export", wraps=build.export)
        with checkpoints as prepared, exports as exported, count_passes() as passes:
            seconds = sum(made(bench, stages).stage_seconds)
        points.append(
            {
                "name": name,
                "checkpoints": prepared.call_count,
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
