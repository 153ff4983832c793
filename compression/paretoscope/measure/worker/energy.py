"""Joules of one request, always with where they come from: a counter of the machine, or time x
power.

The counter is RAPL, as Linux shows it under `/sys/class/powercap`; containers and unprivileged
users seldom see it. The measuring process reads it around its samples, so this file imports nothing
heavy.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from paretoscope.errors import ParetoscopeError

POWERCAP = Path("/sys/class/powercap")
WATTS_PER_CORE = 5.0
"""Assumed power of one busy core where there is no counter: thermal design power over cores lies
between 3.75 W (AMD EPYC 9654, 360 W, 96 cores) and 6.25 W (Intel Xeon 8480+, 350 W, 56 cores) for
today's servers."""
WATTS_VARIABLE = "PARETOSCOPE_WATTS_PER_CORE"


def read_counters(powercap: Path = POWERCAP) -> dict[str, int] | None:
    """Microjoules so far of each CPU package by its folder's name, or None where they cannot be
    read.

    Only whole packages count: their subdomains (cores, memory controller) are part of them, and
    `psys` holds them.
    """
    counters: dict[str, int] = {}
    try:
        for zone in sorted(powercap.glob("*-rapl:*")):
            if (zone / "name").read_text().startswith("package"):
                counters[zone.name] = int((zone / "energy_uj").read_text())
    except (OSError, ValueError):
        return None
    return counters or None


def joules_between(
    before: Mapping[str, int] | None, after: Mapping[str, int] | None, powercap: Path = POWERCAP
) -> float | None:
    """Joules of all packages between two readings; a counter that wrapped round once is put right.
    None without readings.
    """
    if not before or not after or before.keys() != after.keys():
        return None
    total = 0
    for zone, start in before.items():
        spent = after[zone] - start
        if spent < 0:
            try:
                spent += int((powercap / zone / "max_energy_range_uj").read_text())
            except (OSError, ValueError):
                return None
        total += spent
    return total * 1e-6


def watts_per_core(environment: Mapping[str, str] = os.environ) -> float:
    """The power to assume for one busy core, in watts: `PARETOSCOPE_WATTS_PER_CORE`, else
    `WATTS_PER_CORE`.
    """
    given = environment.get(WATTS_VARIABLE)
    if not given:
        return WATTS_PER_CORE
    try:
        watts = float(given)
    except ValueError:
        watts = -1.0
    if not 0 < watts < 1000:
        raise ParetoscopeError(
            f'{WATTS_VARIABLE} is "{given}" in the environment: give the watts of one core as a'
            " number, such as 5."
        )
    return watts


def per_request(
    counted_joules: float | None, requests: int, run_ms: float, batch: int, threads: int
) -> tuple[float, str]:
    """Joules of one request and the sentence that says where they come from.

    `counted_joules` is what the counters saw during `requests` requests (None: nothing was
    counted); `run_ms` is the median of one run of `batch` requests at once. The estimate takes
    every thread as busy all the time, which holds for ONNX Runtime since its idle threads spin.
    """
    if counted_joules is not None and requests > 0:
        return (
            counted_joules / requests,
            "RAPL: counters of the CPU packages around the samples, all of the machine included",
        )
    watts = watts_per_core()
    joules = run_ms * 1e-3 * threads * watts / batch
    return (
        joules,
        (
            f"estimate: p50 x {threads} thread{'s' if threads > 1 else ''} x {watts:g} W per core"
            f" ({WATTS_VARIABLE})"
        ),
    )
