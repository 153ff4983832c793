"""The tornado of the first model, and what all models save over a year."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import streamlit as st

from paretoscope.dashboard.impact.chosen import Model
from paretoscope.dashboard.parts.figure import show
from paretoscope.dashboard.shell import layout, url_widgets
from paretoscope.impact.tornado import Bar, tornado
from paretoscope.impact.wording import with_unit
from paretoscope.impact.yearly import Measure
from paretoscope.report.figures.cumulative_figure import Saved, cumulative_figure
from paretoscope.report.figures.saving_axis import TITLES
from paretoscope.report.figures.tornado_figure import tornado_figure

SHOWN: dict[Measure, str] = {"usd": "Cost", "kwh": "Energy", "kg": "Carbon"}
NOTHING_MOVES = "No assumption within its range changes this saving."
RANGES = (
    "Each input goes from its low to its high value while the others stay. Ranges are assumptions,"
    " except the speed-up, whose interval is measured."
)


def depends(models: Sequence[Model]) -> Measure:
    """The tornado of the first model, with the choice of its measure, which is returned."""
    first = models[0]
    default: Measure = "usd" if first.year.saved("usd").value else "kg"
    with st.container(
        horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"
    ):
        name = f": {first.name}" if len(models) > 1 else ""
        st.markdown(f"#### What the answer depends on{name}", width="content", help=RANGES)
        chosen = url_widgets.option(
            "Show",
            list(SHOWN),
            key="im_of",
            default=default,
            format_func=SHOWN.get,
            label_visibility="collapsed",
            width=130,
        )
    measure = cast(Measure, chosen)
    _tornado(first, measure)
    return measure


def over_a_year(models: Sequence[Model], measure: Measure) -> None:
    """What all models save over a year, less the cost of making them."""
    st.markdown("#### Saved over a year, less the cost of making it")
    _cumulative(models, measure)


def _tornado(model: Model, measure: Measure) -> None:
    bars = tornado(model.year.figures, model.year.at, measure)
    if not bars:
        st.caption(NOTHING_MOVES)
        return
    value = model.year.saved(measure).value
    figure = tornado_figure(bars, value, measure, dark=layout.dark())
    show(figure, key="im_tornado", alt=_spoken(bars, measure))


def _spoken(bars: Sequence[Bar], measure: Measure) -> str:
    first = bars[0]
    low, high = (with_unit(measure, each) for each in (first.at_low, first.at_high))
    return (
        f"{TITLES[measure]} by input. {first.label} moves it most: {low} to {high} for"
        f" {first.span}."
    )


def _cumulative(models: Sequence[Model], measure: Measure) -> None:
    saved: list[Saved] = []
    for model in models:
        even = model.year.break_even(measure)
        days = even.days.value if even.days else None
        year = model.year.saved(measure)
        saved.append(Saved(model.name, model.row.family, year, even.own, days))
    figure = cumulative_figure(saved, measure, dark=layout.dark())
    show(figure, key="im_cumulative", alt=f"{TITLES[measure]} over 365 days for each model")
