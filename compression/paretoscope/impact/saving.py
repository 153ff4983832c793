"""What a model saves against its baseline in a year, and when that has paid for its making."""

from __future__ import annotations

from dataclasses import dataclass

from paretoscope.impact.assumptions import Assumptions
from paretoscope.impact.ends import Ends
from paretoscope.impact.figures import Figures, RequestCost
from paretoscope.impact.yearly import Measure, Yearly, yearly


@dataclass(frozen=True)
class Battery:
    """Requests that a charge lasts for, and the share of it that a day's requests use."""

    requests: Ends
    share_of_day: Ends


@dataclass(frozen=True)
class BreakEven:
    """The measure's cost of making the model, and days and requests until it is saved.

    `days` is None where nothing is saved; its high end is infinite where the interval of the
    saving reaches zero.
    """

    own: float
    days: Ends | None
    requests: float | None


@dataclass(frozen=True)
class Impact:
    """A year of the baseline and of a model; `slow` and `fast` are the ends of its speed."""

    figures: Figures
    at: Assumptions
    baseline: Yearly
    model: Yearly
    slow: Yearly
    fast: Yearly

    def saved(self, measure: Measure) -> Ends:
        """The saving of a year; negative where the model needs more.

        Each measure grows with the seconds of a request, so the ends of the speed are the ends of
        the saving.
        """
        base = getattr(self.baseline, measure)
        value, *ends = (
            base - getattr(each, measure) for each in (self.model, self.slow, self.fast)
        )
        return Ends(value, min(value, *ends), max(value, *ends))

    def battery(self, cost: RequestCost) -> Battery:
        """Of the chosen device, at the power that was measured, without its other uses."""
        joules = cost.joules
        charge = self.at.battery_wh * 3600
        return Battery(
            joules.each(lambda each: charge / (each * self.at.power_factor)),
            joules.each(
                lambda each: self.at.device_requests * each * self.at.power_factor / charge
            ),
        )

    def break_even(self, measure: Measure) -> BreakEven:
        """When the saving has repaid the making of the model."""
        own, saved = self.making(measure), self.saved(measure)
        if saved.value <= 0:
            return BreakEven(own, None, None)
        days = own * 365 / saved.value
        low, high = (
            own * 365 / end if end > 0 else float("inf") for end in (saved.high, saved.low)
        )
        return BreakEven(own, Ends(days, low, high), days * self.at.requests_per_day)

    def making(self, measure: Measure) -> float:
        """What making the model cost, on an instance as fast as `speed` says.

        All cores of the machine count as busy for the measured seconds.
        """
        found, at = self.figures, self.at
        core_hours = found.making_seconds * found.cores / 3600
        hours = core_hours / at.speed
        if measure == "hours":
            return hours
        if at.energy == "trial":
            watts = found.baseline.watts / found.baseline.threads
            kwh = core_hours * watts
        else:
            kwh = hours * at.busy_w_per_vcpu
        kwh *= at.power_factor * at.pue / 1000
        if measure == "kwh":
            return kwh
        rented = hours / at.vcpus
        if measure == "kg":
            return (kwh * at.g_per_kwh + rented * at.embodied_g_per_hour) / 1000
        return rented * at.usd_per_hour + (kwh * at.usd_per_kwh if at.pays_electricity else 0.0)


def impact(found: Figures, at: Assumptions) -> Impact:
    """The year of a model and of its baseline under the same assumptions."""

    def year(cost: RequestCost, seconds: float) -> Yearly:
        return yearly(seconds, cost.threads, cost.watts, at)

    base, model = found.baseline, found.model
    return Impact(
        found,
        at,
        year(base, base.seconds.value),
        year(model, model.seconds.value),
        year(model, model.seconds.high),
        year(model, model.seconds.low),
    )
