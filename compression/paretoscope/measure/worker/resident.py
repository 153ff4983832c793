"""Resident memory of this process: current, peak, and resetting the peak.

On Linux it is exact (`smaps_rollup`; the per-CPU counters of `status` can be off by megabytes on
large machines). Elsewhere the peak cannot be reset and includes the imports.
"""

from __future__ import annotations

import os
import re
import resource
import sys
from pathlib import Path

_SELF = Path("/proc/self")


def now() -> int:
    """Resident bytes, including pages of mapped files."""
    for name, row in (("smaps_rollup", "Rss"), ("status", "VmRSS")):
        if (found := _row(name, row)) is not None:
            return found
    import subprocess  # imported only without /proc, to keep the process small

    return int(subprocess.check_output(["ps", "-o", "rss=", "-p", str(os.getpid())])) * 1024


def peak() -> int:
    """Maximum of resident bytes since the start or since `reset_peak()`."""
    if (found := _row("status", "VmHWM")) is not None:
        return found
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else most * 1024


def reset_peak() -> bool:
    """Reset the peak to the current value (Linux 4.0, proc_pid_clear_refs(5)).

    False where that is not permitted.
    """
    try:
        (_SELF / "clear_refs").write_text("5")
    except OSError:
        return False
    return True


def _row(name: str, row: str) -> int | None:
    try:
        found = re.search(rf"^{row}:\s+(\d+) kB", (_SELF / name).read_text(), re.MULTILINE)
    except OSError:
        return None
    return int(found[1]) * 1024 if found else None
