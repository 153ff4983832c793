"""The answer in a sentence, five figures for each model, and the table of the year."""

from __future__ import annotations

import re
from collections.abc import Sequence

import streamlit as st

from paretoscope.dashboard.impact.chosen import Model
from paretoscope.dashboard.parts.model_heading import title
from paretoscope.dashboard.parts.tables import table
from paretoscope.dashboard.shell.scope import Scope
from paretoscope.impact import wording
from paretoscope.impact.saving import Battery, Impact
from paretoscope.impact.yearly import Measure, Yearly
from paretoscope.trials.format import duration

TILES: tuple[tuple[str, Measure], ...] = (
    ("Cost saved", "usd"),
    ("Energy saved", "kwh"),
    ("CO2 saved", "kg"),
    ("Compute saved", "hours"),
)
SHORT: dict[Measure, str] = {"usd": "$", "kwh": "kWh", "kg": "kg", "hours": "h"}
TILE_PIXELS = 112
"""So that five are in a row of the first screen, and two on a phone."""
CHARGE = (
    "Of the chosen device's battery, at the power that was measured, with nothing else running."
)
YEARS: tuple[tuple[str, Measure], ...] = (
    ("Cost ($)", "usd"),
    ("Energy (kWh)", "kwh"),
    ("Carbon (kg CO2)", "kg"),
    ("Busy vCPU hours", "hours"),
)
BATTERY = ["Requests per charge", "Battery used a day on the device"]
INTERVAL = "Intervals are those of the measured speed-up; prices and intensities have none."
NOISY = "was measured in a noisy session, so its saving is uncertain. Measure it again."


def draw(here: Scope, models: Sequence[Model]) -> None:
    """Sentence and figures of each model."""
    size = "###" if len(models) == 1 else "####"
    for model in models:
        with st.container(border=True):
            if len(models) > 1:
                st.markdown(f"**{title(model.row)}**")
            sentence = dollars(wording.answer(model.year))
            st.markdown(f"{size} {sentence}", help=model.row.name)
            _tiles(model)
            _warnings(model)
    st.caption(f":material/bolt: {energy_source(here, models[0].year)} {INTERVAL}")


def dollars(text: str) -> str:
    """Text with the dollar signs escaped, which Markdown would read as formulas.

    >>> dollars("2 $") == "2 " + chr(92) + "$"
    True
    """
    return text.replace("$", "\\$")


def _tiles(model: Model) -> None:
    """Savings of a year, and requests per charge, each with the values before and after."""
    year = model.year
    after, before = (
        year.battery(each).requests.value for each in (year.figures.model, year.figures.baseline)
    )
    with st.container(horizontal=True, gap="small"):
        for label, measure in TILES:
            value = wording.amount(year.saved(measure).value)
            both = (getattr(each, measure) for each in (year.baseline, year.model))
            change = " → ".join(map(wording.amount, both))
            _tile(label, f"{value} {SHORT[measure]}", change, year)
        was = f"was {wording.compact(before)}"
        _tile("Per charge", wording.compact(after), was, year, CHARGE)


def _tile(label: str, value: str, change: str, year: Impact, about: str | None = None) -> None:
    """A dash where the speed-up is within the noise."""
    shown = "–" if year.figures.within_noise else dollars(value)
    st.metric(
        label, shown, change, delta_color="off", delta_arrow="off", help=about, width=TILE_PIXELS
    )


def _warnings(model: Model) -> None:
    if model.year.figures.noisy:
        st.warning(f"{model.name} {NOISY}", icon=":material/warning:")


def energy_source(here: Scope, year: Impact) -> str:
    """Where the energy comes from, and on which machine latency and energy were measured."""
    where = "the demo machine" if here.demo else here.where
    source = year.figures.energy_source
    if year.at.energy == "provider":
        return (
            f"Energy is an estimate: the provider's watts per vCPU, idle time included; times are"
            f" those of {where}."
        )
    if year.figures.counted:
        return f"Energy is measured on {where} ({source}), for busy time only."
    how = re.sub(r" \(PARETOSCOPE_\w+\)", "", source.removeprefix("estimate: "))
    return f"Energy is an estimate for busy time only: {how}, timed on {where}."


def years(models: Sequence[Model]) -> None:
    """Baseline and models side by side, for a year and per million requests."""
    base = models[0].year
    columns: dict[str, list[str]] = {
        "": _labels(),
        "Original": _column(base, base.baseline, base.battery(base.figures.baseline)),
    }
    for model in models:
        battery = model.year.battery(model.year.figures.model)
        columns[model.name] = _column(model.year, model.year.model, battery, model=True)
    st.markdown("#### A year, and a million requests")
    table(columns, alt="Instances, cost, energy, carbon and battery of the original and the models")


def _labels() -> list[str]:
    totals = [f"{label} a year" for label, _ in YEARS]
    million = [f"{label} per million requests" for label, _ in YEARS[:3]]
    own = ["Making it", "Pays back, cost", "Pays back, energy"]
    return ["Instances", *totals, *million, *BATTERY, *own]


def _column(year: Impact, of: Yearly, battery: Battery, *, model: bool = False) -> list[str]:
    totals = [wording.amount(getattr(of, measure)) for _, measure in YEARS]
    million = [wording.amount(of.per_million(measure, year.at)) for _, measure in YEARS[:3]]
    own = _making(year) if model else ["–"] * 3
    charge = [wording.compact(battery.requests.value), _per_cent(battery.share_of_day.value)]
    return [f"{of.instances:,}", *totals, *million, *charge, *own]


def _per_cent(share: float) -> str:
    return f"{wording.amount(100 * share)} %"


def _making(year: Impact) -> list[str]:
    """How long making took, and the break-even in cost and energy."""
    seconds = year.figures.making_seconds
    if not seconds:
        return ["not measured", "–", "–"]
    found = [year.break_even(measure).days for measure in ("usd", "kwh")]
    repaid = [wording.days(each.value) if each else "never" for each in found]
    return [f"{duration(seconds)} on {year.figures.cores} cores", *repaid]


def how() -> None:
    """The formulas in short."""
    with st.expander("How this is calculated"):
        st.markdown(HOW)


HOW = """
- **Busy time** = requests × seconds of a request × threads ÷ speed of a vCPU.
- **Instances** = requests a second at the peak × busy vCPU seconds of a request ÷ (utilization ×
  vCPUs), rounded up, at least one. Threads are taken to scale: vCPUs ÷ threads requests run at once
  without slowing each other.
- **Cost** = instance hours × price, plus electricity where the price does not include it.
- **Energy** = requests × seconds × watts × PUE. Watts are those of the trial. With the provider's
  watts per vCPU, idle time counts too.
- **Carbon** = energy × grid intensity, plus embodied carbon if you enter it.
- **Break-even** counts the measured seconds of compressing and measuring, with all cores busy. Your
  own time and failed attempts are not in it.
- **Battery** assumes the power of the machine that was measured; a phone's processor needs less.

The prices and intensities are dated examples, not quotes: edit them above. All formulas are in
`docs/impact.md`.
"""
