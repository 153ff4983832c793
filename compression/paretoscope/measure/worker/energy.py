"""Energy counters of the CPU packages (RAPL, from `/sys/class/powercap` on Linux).

Containers and unprivileged users can seldom read them. Joules of a request are computed outside the
measuring process, in `measure/energy.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

POWERCAP = Path("/sys/class/powercap")


def read_counters(powercap: Path = POWERCAP) -> dict[str, int] | None:
    """Microjoules so far of each CPU package, by folder name; None where they cannot be read.

    Subdomains (cores, memory controller) are skipped because their package includes them, and so is
    `psys`, which includes the packages.
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
    """Joules of all packages between two readings; None without readings.

    A counter that wrapped around once is corrected by its range.
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
