"""Which assumption moves the saving most: each from its low to its high value, the others kept."""

from __future__ import annotations

from dataclasses import dataclass, replace

from paretoscope.impact.assumptions import LIMITS, Assumptions
from paretoscope.impact.figures import Figures
from paretoscope.impact.saving import impact
from paretoscope.impact.wording import compact
from paretoscope.impact.yearly import Measure

SPEED_UP = "Measured speed-up"


@dataclass(frozen=True)
class Bar:
    """The saving at the low and the high value of an input; `span` is the two values in words."""

    label: str
    span: str
    at_low: float
    at_high: float

    @property
    def length(self) -> float:
        return abs(self.at_high - self.at_low)


@dataclass(frozen=True)
class _Range:
    """How far an input may be off: from `low` to `high`, times the value where `relative`."""

    name: str
    label: str
    low: float
    high: float
    relative: bool = True
    unit: str = ""


RANGES = (
    _Range("requests_per_day", "Requests a day", 0.5, 2),
    _Range("peak_factor", "Peak over mean", 1, 5, relative=False, unit="x"),
    _Range("utilization", "Utilization", 0.3, 0.9, relative=False),
    _Range("speed", "Speed of a vCPU", 0.5, 1.5),
    _Range("usd_per_hour", "Instance price", 0.5, 1.5, unit=" USD/h"),
    _Range("usd_per_kwh", "Electricity price", 0.5, 2, unit=" USD/kWh"),
    _Range("g_per_kwh", "Grid carbon", 30, 713, relative=False, unit=" g/kWh"),
    _Range("pue", "PUE", 1.1, 1.6, relative=False),
    _Range("power_factor", "Power", 0.5, 2, unit="x"),
)
"""Assumed ranges: grid carbon from Norway's to India's (2023), power as of other processors."""


def tornado(found: Figures, at: Assumptions, measure: Measure) -> list[Bar]:
    """The bars, longest first; an input that moves nothing is left out.

    The first input is the interval of the measured speed-up.
    """
    saved = impact(found, at).saved(measure)
    bars = [Bar(SPEED_UP, "its interval", saved.low, saved.high)]
    for each in RANGES:
        value = getattr(at, each.name)
        low, high = (end * value if each.relative else end for end in (each.low, each.high))
        low, high = min(low, value), max(high, value)
        least, most = LIMITS[each.name]
        low, high = max(low, least), min(high, most)
        span = f"{compact(low)} to {compact(high)}{each.unit}"
        ends = (
            impact(found, replace(at, **{each.name: end})).saved(measure).value
            for end in (low, high)
        )
        bars.append(Bar(each.label, span, *ends))
    moving = [bar for bar in bars if bar.length > 1e-12 * max(1.0, abs(saved.value))]
    return sorted(moving, key=lambda bar: -bar.length)
