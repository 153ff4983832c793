"""How the benchmarks say what they found: titles, verdicts on what was wanted, intervals, and what
they ran on.
"""

from __future__ import annotations

from datetime import UTC, datetime

from paretoscope.machine import fingerprint
from paretoscope.trials.trial import Interval


def ran_on() -> str:
    """Machine, system, runtime and day, in a line."""
    machine = fingerprint()
    return (
        f"{machine.in_words()}, {machine.system}, onnxruntime {machine.versions['onnxruntime']},"
        f" {datetime.now(UTC):%d %B %Y}"
    )


def title(name: str, what: str) -> None:
    print(f"\n## {name}: {what}", flush=True)


def verdict(wanted: str, found: str, met: bool) -> None:
    print(f"  {'PASS  ' if met else 'MISSED'}  {wanted}: {found}", flush=True)


def within(interval: Interval, digits: int = 3) -> str:
    return f"{interval.value:.{digits}f} [{interval.low:.{digits}f}, {interval.high:.{digits}f}]"
