"""Further views of the same points: parallel coordinates, other machines, the front in numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import streamlit as st

from paretoscope.dashboard.explore.result import Result, states
from paretoscope.dashboard.parts import charts
from paretoscope.dashboard.parts.figure import show
from paretoscope.dashboard.shell import layout, measured, url_widgets
from paretoscope.dashboard.shell.machines import measured_on
from paretoscope.dashboard.shell.scope import Scope, conditions_key
from paretoscope.frontier.front import Frontier
from paretoscope.report.figures.parallel_figure import parallel_figure
from paretoscope.report.figures.tradeoff import Overlay
from paretoscope.report.tables.table import Row, present_metrics
from paretoscope.store.store import ScopeKey
from paretoscope.trials.metrics import metric

VIEWS = {
    "": "None",
    "parallel": "Parallel coordinates",
    "machines": "Machines and conditions",
    "front": "The front in numbers",
}
KEY = "view"
MOST_FRONTS = 4


def draw(scope: Scope, table: Mapping[str, Row], result: Result, picked: Sequence[str]) -> None:
    """The chosen view; none by default, so that the page opens fast."""
    chosen = url_widgets.option(
        "Another view", list(VIEWS), key=KEY, format_func=VIEWS.__getitem__, width=280
    )
    if chosen == "parallel":
        _parallel(scope, table, result, picked)
    elif chosen == "machines":
        _machines(scope)
    elif chosen == "front":
        _front(result.found, table)


def _parallel(
    scope: Scope, table: Mapping[str, Row], result: Result, picked: Sequence[str]
) -> None:
    keys = [*scope.axes.objectives, "speedup", "peak_memory_bytes", "energy_j", "load_ms"]
    present = {each.key for each in present_metrics(list(table.values()))}
    marked = [*picked, *([result.advice.best] if result.advice.best else [])]
    figure = parallel_figure(
        list(table.values()),
        [key for key in keys if key in present],
        states(result),
        emphasized=marked,
        dark=layout.dark(),
    )
    alt = f"Parallel coordinates of {len(table)} models; up is better on every axis."
    show(figure, key="parallel", alt=alt)
    st.caption("Up is better on every axis. Thick lines: recommended and picked models.")


def _machines(scope: Scope) -> None:
    """A front for each machine and set of conditions, by speed-up, which can be compared."""
    found: dict[str, ScopeKey] = {}
    demo: set[str] = set()
    for each in measured_on(scope.model, scope.task):
        for _, under in each.under():
            name = f"{each.in_words()} · {under.in_words()}"
            found[name] = ScopeKey(scope.model, scope.task, each.machine.id, under)
            demo |= {name} if each.demo else set()
    chosen = list(found)[:MOST_FRONTS]
    if len(found) > MOST_FRONTS:
        chosen = st.multiselect(
            "Machines and conditions", list(found), chosen, max_selections=MOST_FRONTS
        )
    if not chosen:
        return
    for place, name in zip(st.columns(max(2, len(chosen))), chosen, strict=False):
        with place:
            st.markdown(f"**{name}**")
            charts.small(
                measured.table(found[name], demo=name in demo).rows,
                "speedup",
                scope.axes.change,
                name=f"front_{conditions_key(scope.conditions)}_{name}",
                overlay=Overlay(),
            )
    if len(found) == 1:
        st.caption("Only one machine and one set of conditions have been measured.")


def _front(found: Frontier, table: Mapping[str, Row]) -> None:
    share = hypervolume_share(found)
    knee = table[found.knee].short_name if found.knee else "none"
    names = ", ".join(metric(each.key).called for each in found.objectives)
    with st.container(horizontal=True, gap="large"):
        st.metric("Models on the front", len(found.on_front), width="content")
        st.metric("Knee", knee, width="content")
        st.metric(
            "Hypervolume",
            "–" if share is None else f"{share:.3f}",
            width="content",
            help="Share of the box between the worst and the best value of each objective that the"
            " front dominates; the worst end is moved out by a tenth.",
        )
    st.caption(f"Objectives: {names}.")


def hypervolume_share(found: Frontier) -> float | None:
    """The hypervolume of the front over that of the box from its reference to its best values."""
    reference = found.reference()
    volume = 1.0
    for each in found.objectives:
        values = [
            value for point in found.points.values() if (value := point.value(each.key)) is not None
        ]
        if each.key not in reference or not values:
            return None
        best = min(each.sign * value for value in values)
        volume *= each.sign * reference[each.key] - best
    return found.hypervolume(reference) / volume if volume else None
