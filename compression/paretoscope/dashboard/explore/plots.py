"""The two plots of Explore, the line that explains them, and their points as a list."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

import streamlit as st

from paretoscope.dashboard.explore.result import Result, states
from paretoscope.dashboard.parts import charts
from paretoscope.dashboard.parts.model_heading import title
from paretoscope.dashboard.shell import selection
from paretoscope.dashboard.shell.scope import Scope
from paretoscope.report.alternatives import alternatives
from paretoscope.report.figures.tradeoff import Overlay, State, Tradeoff
from paretoscope.report.tables.table import Row
from paretoscope.trials.metrics import metric

LIST = "points"
GHOSTS = "Grey outlines: the demo machine, not confirmed here"
WORDS: dict[State, str] = {
    "front": "on the Pareto front",
    "near": "statistically indistinguishable from it",
    "dominated": "dominated",
    "excluded": "outside your limits",
}


def draw(
    scope: Scope,
    table: Mapping[str, Row],
    result: Result,
    bounds: Mapping[str, float],
    picked: Sequence[str],
) -> list[Tradeoff]:
    """The plots of the change of quality by size and by time; returns their content."""
    others = alternatives(result.found, result.advice, table)
    overlay = Overlay(
        states(result),
        bounds,
        picked,
        result.advice.best,
        {each.row.id: each.row.short_name for each in others},
        scope.ghosts(),
    )
    shown = charts.by_size_and_time(list(table.values()), scope.axes, overlay)
    st.caption(_caption(shown, result, ghosts=bool(overlay.ghosts)))
    return shown


def _caption(shown: Sequence[Tradeoff], result: Result, *, ghosts: bool) -> str:
    parts = [counts(result)]
    if typical := shown[0].typical_interval:
        y = shown[0].y
        parts.append(f"typical 95 % interval ±{typical:.2g} {y.unit}; bars on named and picked")
    parts.append("click a point to pick it")
    return " · ".join([*parts, *([GHOSTS] if ghosts else [])])


def counts(result: Result) -> str:
    """ "10 on the Pareto front · 36 statistically indistinguishable from it"."""
    number = Counter(
        state
        for trial_id, state in states(result).items()
        if trial_id not in result.found.references
    )
    return " · ".join(f"{number[state]} {text}" for state, text in WORDS.items() if number[state])


def point_list(table: Mapping[str, Row], picked: Sequence[str]) -> None:
    """The points as a list that can be used with a keyboard; it selects what a click selects."""
    ordered = sorted(
        table.values(), key=lambda row: (row.point.cost(row.summary.axes.quality), row.id)
    )
    st.session_state[LIST] = list(picked)
    st.multiselect(
        "Picked models",
        [row.id for row in ordered],
        format_func=lambda trial_id: title(table[trial_id]),
        key=LIST,
        max_selections=selection.MOST,
        on_change=_listed,
        placeholder="Pick models to compare",
        label_visibility="collapsed",
    )


def _listed() -> None:
    selection.write(st.session_state[LIST])


def not_comparable(shown: Sequence[Tradeoff], result: Result, table: Mapping[str, Row]) -> None:
    """The models that lack an objective or a metric of a plot, with what is missing."""
    missing: dict[str, list[str]] = {
        trial_id: [metric(key).label.lower() for key in keys]
        for trial_id, keys in result.found.not_comparable.items()
    }
    for info in shown:
        for trial_id in info.missing:
            names = missing.setdefault(trial_id, [])
            values = table[trial_id].values
            for of in (info.x, info.y):
                if values.get(of.key) is None and of.label.lower() not in names:
                    names.append(of.label.lower())
    if missing:
        with st.expander(f"{len(missing)} not comparable"):
            for trial_id, names in missing.items():
                st.markdown(f"- {table[trial_id].short_name}: no {', '.join(names)}")
