"""The plot of a recipe among the measured models: quality against size or time."""

from __future__ import annotations

from dataclasses import replace

import streamlit as st

from paretoscope.dashboard.compress.estimates import Figures, Identity, identity
from paretoscope.dashboard.compress.evidence import ENOUGH, study
from paretoscope.dashboard.parts.figure import show
from paretoscope.dashboard.shell import data, layout, url_widgets
from paretoscope.dashboard.shell.scope import Scope
from paretoscope.recipes.recipe import Recipe
from paretoscope.recipes.short_name import short_name
from paretoscope.report.figures.tradeoff import Estimate as EstimatedPoint
from paretoscope.report.figures.tradeoff import Overlay, State, Tradeoff, tradeoff
from paretoscope.report.figures.tradeoff_figure import PlotOptions, tradeoff_figure
from paretoscope.report.tables.strategy import family
from paretoscope.report.tables.table import Row
from paretoscope.trials.metrics import metric
from paretoscope.trials.trial import Interval, MetricValue

AGAINST = {"size": "Size", "time": "Time"}
KEY = "against"
"""Name in the address, and key of the choice."""
HEIGHT = 360
SPEEDUP = "speedup"
LEGEND = "Hollow with dashed intervals: this recipe, estimated."
MEASURED = "Ringed: this recipe, measured."
GHOSTS = "Small hollow points: the demo study, on another machine."


def draw(scope: Scope, found: Figures) -> None:
    """One plot, against size or against time."""
    linked = st.query_params.get(KEY)
    st.session_state.setdefault(KEY, linked if linked in AGAINST else "size")
    chosen = st.segmented_control(
        "Plot against",
        list(AGAINST),
        format_func=AGAINST.__getitem__,
        required=True,
        key=KEY,
        persist_state="session",
        label_visibility="collapsed",
    )
    url_widgets.write(KEY, "time" if chosen == "time" else "")
    ghosts = _ghosts(scope)
    x = scope.axes.size if chosen != "time" else SPEEDUP if ghosts else scope.axes.time
    info = _points(identity(scope), data.version(), x, scope)
    if not info.markers:
        return
    picked = (found.measured.id,) if found.measured else ()
    point = None if picked else _estimated(scope, found, x)
    options = PlotOptions(dark=layout.dark(), height=HEIGHT, legend=False, compact=True)
    info = replace(info, picked=picked, estimate=point)
    show(tradeoff_figure(info, options), key="recipe_plot", alt=info.alt)
    st.caption(
        " ".join(
            part for part in (MEASURED if picked else LEGEND, GHOSTS if ghosts else "") if part
        )
    )


def _ghosts(scope: Scope) -> list[Row]:
    """The demo study's models, while the scope has few of its own."""
    if len(scope.rows()) > ENOUGH:
        return []
    own = {row.document.recipe_id for row in scope.rows()}
    return [row for row in study(scope).rows if row.document.recipe_id not in own]


@st.cache_resource(show_spinner=False, max_entries=24)
def _points(of: Identity, version: int, x: str, _scope: Scope) -> Tradeoff:
    """Everything in the plot but the recipe, which a slider moves."""
    del of, version  # the key of the cache
    own, ghosts = _scope.rows(), _ghosts(_scope)
    if not ghosts:
        return tradeoff(own, x, _scope.axes.quality)
    faded: dict[str, State] = {row.id: "excluded" for row in ghosts}
    states: dict[str, State] = {**dict.fromkeys((row.id for row in own), "front"), **faded}
    return tradeoff([*ghosts, *own], x, _scope.axes.quality, Overlay(states=states))


def _estimated(scope: Scope, found: Figures, x: str) -> EstimatedPoint | None:
    numbers = found.numbers
    if numbers is None:
        return None
    across: dict[str, MetricValue | None] = {
        scope.axes.size: MetricValue(x, found.size.total_bytes) if found.size else None,
        scope.axes.time: _value(x, numbers.latency_p50_ms),
        SPEEDUP: _value(x, numbers.speedup),
    }
    at, up = across[x], _value(scope.axes.quality, numbers.quality)
    return _point(found.recipe, at, up) if at and up else None


def _value(key: str, found: Interval | None) -> MetricValue | None:
    return MetricValue(key, found.value, found.low, found.high) if found else None


def _point(recipe: Recipe, across: MetricValue, up: MetricValue) -> EstimatedPoint:
    numbers = "<br>".join(
        f"{metric(each.metric).label}: about {metric(each.metric).format(each.value)}"
        for each in (up, across)
    )
    hover = f"<b>{short_name(recipe)}</b> (estimate)<br>{recipe.in_words()}<br>{numbers}"
    return EstimatedPoint(family(recipe), across, up, hover)
