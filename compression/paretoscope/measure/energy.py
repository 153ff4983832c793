"""Joules of one request, and where the number comes from: energy counters or an estimate.

The counters are read in the measuring process by `measure/worker/energy.py`.
"""

from __future__ import annotations

from paretoscope.settings import Settings, variable

RAPL = "RAPL: counters of the CPU packages around the samples, all of the machine included"


def per_request(
    counted_joules: float | None, requests: int, run_ms: float, batch: int, threads: int
) -> tuple[float, str]:
    """(joules of one request, a sentence about their source).

    `counted_joules` is what the counters recorded during `requests` requests, None without
    counters; `run_ms` is the median time of one run of `batch` requests. The estimate counts every
    thread as busy all the time, which holds for ONNX Runtime because its idle threads spin.
    """
    if counted_joules is not None and requests > 0:
        return counted_joules / requests, RAPL
    watts = Settings.from_environment().watts_per_core
    plural = "s" if threads > 1 else ""
    source = f"p50 x {threads} thread{plural} x {watts:g} W per core ({variable('watts_per_core')})"
    return run_ms * 1e-3 * threads * watts / batch, f"estimate: {source}"
