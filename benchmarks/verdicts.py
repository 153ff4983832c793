"""How the benchmarks print results: titles, a verdict for each target, intervals, the machine.

Each section decides its own targets.
"""

from __future__ import annotations

from datetime import UTC, datetime

from paretoscope.machine import fingerprint
from paretoscope.trials.trial import Interval


def environment() -> str:
    """Machine, system, runtime and date on one line."""
    machine = fingerprint()
    return (
        f"{machine.in_words()}, {machine.system}, onnxruntime {machine.versions['onnxruntime']},"
        f" {datetime.now(UTC):%d %B %Y}"
    )


def title(section: str, details: str) -> None:
    print(f"\n## {section}: {details}", flush=True)


def verdict(target: str, result: str, met: bool) -> None:
    """Print whether a target was met, with the measured result."""
    print(f"  {'PASS  ' if met else 'MISSED'}  {target}: {result}", flush=True)


def with_interval(interval: Interval, digits: int = 3) -> str:
    """A value with its confidence interval.

    >>> with_interval(Interval(value=2.5, low=2.25, high=3.0), 2)
    '2.50 [2.25, 3.00]'
    """
    return f"{interval.value:.{digits}f} [{interval.low:.{digits}f}, {interval.high:.{digits}f}]"


def estimate(minutes: dict[str, float]) -> str:
    """The expected duration of each section and of all of them.

    >>> estimate({"tenth": 40.2, "time": 3.0})
    'about tenth 40 min, time 3 min: 43 min'
    """
    each = ", ".join(f"{name} {value:.0f} min" for name, value in minutes.items())
    return f"about {each}: {sum(minutes.values()):.0f} min"
