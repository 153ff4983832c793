"""The axis title of a saving."""

from __future__ import annotations

from paretoscope.impact.yearly import Measure

TITLES: dict[Measure, str] = {
    "usd": "Cost saved a year ($)",
    "kwh": "Energy saved a year (kWh)",
    "kg": "Carbon saved a year (kg CO2)",
    "hours": "Busy time saved a year (vCPU hours)",
}


def title(measure: Measure) -> str:
    return TITLES[measure]
