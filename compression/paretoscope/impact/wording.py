"""Amounts and savings in words, short enough for a sentence or a button."""

from __future__ import annotations

import math

from paretoscope.impact.ends import Ends
from paretoscope.impact.saving import Impact
from paretoscope.impact.yearly import Measure

UNITS: dict[Measure, str] = {"usd": "$", "kwh": "kWh", "kg": "kg CO2", "hours": "vCPU hours"}
SMALL: dict[Measure, float] = {"usd": 10, "kwh": 10, "kg": 5, "hours": 10}
"""A saving of a year below this is called small."""


def amount(value: float) -> str:
    """Two significant digits below 100, three above; no exponent.

    >>> [amount(each) for each in (0, 0.0312, 3.24, 32.4, 744.6, 9679.8, 1234567)]
    ['0', '0.031', '3.2', '32', '745', '9,680', '1,230,000']
    """
    if abs(value) < 1e-6:
        return "0"
    digits = 3 if abs(value) >= 100 else 2
    rounded = float(f"{value:.{digits}g}")
    decimals = max(0, digits - 1 - math.floor(math.log10(abs(rounded))))
    return f"{rounded:,.{decimals}f}"


def compact(value: float) -> str:
    """
    >>> compact(1e6), compact(2.5e6), compact(100_000), compact(500), compact(0.6)
    ('1M', '2.5M', '100k', '500', '0.6')
    """
    for unit, size in (("G", 1e9), ("M", 1e6), ("k", 1e3)):
        if abs(value) >= size:
            return f"{value / size:.3g}{unit}"
    return f"{value:.3g}"


def with_unit(measure: Measure, value: float) -> str:
    """
    >>> with_unit("usd", 210), with_unit("kwh", 95.2)
    ('210 $', '95 kWh')
    """
    return f"{amount(value)} {UNITS[measure]}"


def with_interval(measure: Measure, found: Ends) -> str:
    """
    >>> with_interval("usd", Ends(210, 180, 240)), with_interval("kg", Ends(3, 3, 3))
    ('210 $ (180 to 240)', '3.0 kg CO2')
    """
    _, _, interval = span(found).partition(" ")
    return f"{with_unit(measure, found.value)} {interval}".strip()


def span(found: Ends) -> str:
    """
    >>> span(Ends(210, 180, 240)), span(Ends(3, 3, 3))
    ('210 (180 to 240)', '3.0')
    """
    low, high = amount(found.low), amount(found.high)
    return amount(found.value) + ("" if low == high else f" ({low} to {high})")


def days(number: float) -> str:
    """
    >>> days(0.004), days(0.3), days(1.2), days(15.4), days(900)
    ('less than an hour', '7 hours', '1 day', '15 days', '2.5 years')
    """
    if number < 1 / 24:
        return "less than an hour"
    if number < 0.75:
        return _counted(round(number * 24), "hour")
    return _counted(round(number), "day") if number < 730 else f"{number / 365:.1f} years"


def _counted(number: int, unit: str) -> str:
    return f"{number:,} {unit}{'' if number == 1 else 's'}"


def rate(requests_per_day: float) -> str:
    """
    >>> rate(1e6)
    '1M requests a day'
    """
    return f"{compact(requests_per_day)} requests a day"


def answer(found: Impact) -> str:
    """The answer in one or two sentences."""
    traffic = f"A year of {rate(found.at.requests_per_day)}"
    usd, kwh, kg = (found.saved(each) for each in ("usd", "kwh", "kg"))
    if found.figures.within_noise:
        return (
            f"{traffic}: nothing that can be measured is saved; the speed-up is within the noise of"
            " its session."
        )
    energy = f"{with_interval('kwh', _size(kwh))}, {with_interval('kg', _size(kg))}"
    if _same_bill(found):
        return f"{traffic}: {_one_bill(found)}; {_energy(found, kwh, energy)}."
    verb = "saves" if usd.value >= 0 else "costs more:"
    return f"{traffic}: {verb} {with_interval('usd', _size(usd))}, {energy}{_repaid(found)}."


def _size(found: Ends) -> Ends:
    """The absolute amounts of a saving or of a loss."""
    return found if found.value >= 0 else found.each(lambda value: -value)


def _same_bill(found: Impact) -> bool:
    """Whether cost changes by less than a cent a year."""
    return abs(found.saved("usd").value) < 0.01


def _one_bill(found: Impact) -> str:
    count = found.model.instances
    if found.at.billing == "time" or not found.at.usd_per_hour:
        return "nothing is saved in cost"
    if count == 1:
        return "both fit on one instance, so nothing is saved in cost"
    return f"both need {count} instances, so nothing is saved in cost"


def _energy(found: Impact, kwh: Ends, energy: str) -> str:
    if abs(kwh.value) < 1e-6:
        return "energy stays the same"
    small = "only " if abs(kwh.value) < SMALL["kwh"] else ""
    return f"energy {'falls' if kwh.value > 0 else 'rises'} by {small}{energy}"


def _repaid(found: Impact) -> str:
    even = found.break_even("usd")
    if even.days is None or not found.figures.making_seconds:
        return ""
    return f"; pays back in {days(even.days.value)}"


def button(found: Impact) -> str:
    """Short enough for a button: what a year saves, without intervals."""
    traffic = f"a year at {rate(found.at.requests_per_day)}"
    if found.figures.within_noise:
        return f"saves nothing measurable {traffic}"
    usd, kwh, kg = (found.saved(each).value for each in ("usd", "kwh", "kg"))
    if kwh < 0:
        lost = [with_unit("usd", -usd)] if usd < -0.01 else []
        parts = [*lost, with_unit("kwh", -kwh), with_unit("kg", -kg)]
        return f"needs {', '.join(parts)} more {traffic}"
    energy = f"{with_unit('kwh', kwh)}, {with_unit('kg', kg)}"
    if _same_bill(found):
        return f"saves {energy} {traffic}, at the same cost"
    return f"saves {with_unit('usd', usd)}, {energy} {traffic}"
