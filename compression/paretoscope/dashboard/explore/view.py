"""Explore as a fragment: a limit or a pick redraws only this part of the page."""

from __future__ import annotations

import streamlit as st

from paretoscope.dashboard.explore import (
    answer,
    limits,
    model_table,
    more_views,
    options,
    plots,
    selection_tray,
)
from paretoscope.dashboard.explore.result import Result
from paretoscope.dashboard.parts import empty_states
from paretoscope.dashboard.shell import selection
from paretoscope.dashboard.shell.scope import Scope
from paretoscope.frontier.front import front
from paretoscope.frontier.limits import judged_by
from paretoscope.frontier.recommend import recommend


@st.fragment
def draw(scope: Scope) -> None:
    """Answer, limits, plots, picked models and table."""
    everything = scope.rows()
    if not everything:
        empty_states.draw(scope)
        return
    limits.begin(scope)
    answer_place = st.container(gap="small")
    sliders_place, more = st.columns([6, 1], vertical_alignment="bottom", gap="medium")
    with more, st.container(gap=None):
        left = st.empty()
        with st.container(horizontal=True, gap="small", wrap=False):
            st.button("Reset", type="tertiary", key=limits.RESET, on_click=limits.reset)
            table, objectives = options.draw(everything, scope.axes)
    baseline = next((row.named_point for row in table if row.is_baseline), None)
    with sliders_place:
        found = limits.sliders(table, scope.axes, [each.key for each in objectives])
        chosen = limits.draw(found, baseline)
    points = scope.table.points_of(table)
    result = Result(
        front(points, objectives), recommend(points, chosen.constraints, objectives, baseline)
    )
    by_id = {row.id: row for row in table}
    known = {row.id: row for row in everything}
    picked = selection.picked(list(known), scope.representatives())
    left.markdown(
        models_left(len(result.advice.feasible), sum(not row.is_reference for row in table))
    )
    with answer_place:
        answer.draw(scope, result, by_id, judged_by(objectives, chosen.constraints))
    shown = plots.draw(scope, by_id, result, chosen.bounds, picked)
    plots.point_list(known, picked)
    selection_tray.draw(scope, result.found, [known[each] for each in picked])
    model_table.draw(scope, table, result, picked)
    more_views.draw(scope, by_id, result, picked)
    plots.not_comparable(shown, result, by_id)


def models_left(feasible: int, total: int) -> str:
    """ "46 of 53 left"."""
    return f"**{feasible}** of {total} left"
