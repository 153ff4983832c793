"""One model for a year: instances, hours, cost, energy and carbon."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from paretoscope.impact.assumptions import Assumptions

Measure = Literal["usd", "kwh", "kg", "hours"]
MEASURES: tuple[Measure, ...] = ("usd", "kwh", "kg", "hours")
HOURS = 8760
"""Hours of a year of 365 days."""
TOLERANCE = 1e-9
"""Rounding error that must not cost another instance."""


@dataclass(frozen=True)
class Yearly:
    """A year of requests.

    `instances` run at the same time; `hours` are busy vCPU hours, `paid_hours` instance hours that
    are paid; `usd` is the bill, `kwh` the energy with the facility's share, `kg` kgCO2e.
    """

    instances: int
    hours: float
    paid_hours: float
    usd: float
    kwh: float
    kg: float

    def per_million(self, measure: Measure, at: Assumptions) -> float:
        """A measure for a million requests."""
        return getattr(self, measure) / at.requests_per_year * 1e6


def yearly(seconds: float, threads: int, watts: float, at: Assumptions) -> Yearly:
    """A year of requests that each keep `threads` threads busy for `seconds`, at `watts` in all.

    busy vCPU seconds of a request   b = seconds x threads / speed
    instances   max(1, ceil(requests a second x peak factor x b / (utilization x vCPUs)))
    paid hours  instances x 8760, or busy hours / (utilization x vCPUs) when time is billed
    IT energy   requests x seconds x watts, or with the provider's coefficients
                paid hours x vCPUs x idle watts + busy hours x (busy - idle watts)
    kWh         IT energy x PUE
    USD         paid hours x price, plus kWh x electricity price where it is paid separately
    kgCO2e      kWh x intensity + paid hours x embodied carbon

    Threads are taken to scale: vCPUs / threads requests run at once without slowing each other.
    """
    busy_seconds = seconds * threads / at.speed
    hours = at.requests_per_year * busy_seconds / 3600
    peak = at.requests_per_day / 86_400 * at.peak_factor * busy_seconds
    room = at.utilization * at.vcpus
    instances = max(1, math.ceil(peak / room - TOLERANCE))
    paid = instances * HOURS if at.billing == "instances" else hours / room
    if at.energy == "trial":
        it_kwh = at.requests_per_year * seconds * watts / 3.6e6
    else:
        idle = paid * at.vcpus * at.idle_w_per_vcpu
        it_kwh = (idle + hours * max(0.0, at.busy_w_per_vcpu - at.idle_w_per_vcpu)) / 1000
    kwh = it_kwh * at.power_factor * at.pue
    usd = paid * at.usd_per_hour + (kwh * at.usd_per_kwh if at.pays_electricity else 0.0)
    kg = (kwh * at.g_per_kwh + paid * at.embodied_g_per_hour) / 1000
    return Yearly(instances, hours, paid, usd, kwh, kg)
