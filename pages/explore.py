"""Explore: the recommended model under limits, the trade-off plots and the table of all models."""

from __future__ import annotations

import streamlit as st

from paretoscope.dashboard.explore import (
    limits,
    model_table,
    recommendation,
    selection_tray,
)
from paretoscope.dashboard.parts import charts, empty_states
from paretoscope.dashboard.shell import header, layout, scope, selection, share
from paretoscope.frontier.front import front
from paretoscope.frontier.limits import judged_by
from paretoscope.frontier.recommend import recommend

layout.guard("explore")
here = scope.current()
table = here.rows()
limits.begin(here)
by_id = {row.id: row for row in table}


def actions() -> None:
    share.button()
    header.bring_link()


header.draw(here, actions)
if not table:
    empty_states.draw(here)
    st.stop()

answer = st.container()
baseline = next((row.named_point for row in table if row.document.is_baseline), None)
sliders = st.container()
left, right = st.columns(2, gap="medium")
with left:
    table = limits.strategies(table)
with right:
    objectives = limits.objectives_chosen(table, here.axes)
with sliders:
    chosen = limits.draw(table, baseline, here.axes, objectives)
points = [row.named_point for row in table]
result = model_table.Result(
    front(points, objectives), recommend(points, chosen.constraints, objectives, baseline)
)
picked = selection.picked(list(by_id), here.representatives())
with answer:
    basis = judged_by(objectives, chosen.constraints)
    recommendation.draw(here, result, by_id, len(table), basis)

overlay = recommendation.overlay(result, chosen.bounds, picked)
plots = charts.by_size_and_time(table, here.axes, overlay)
recommendation.legend(result, plots, picked)

selection_tray.draw(here, result.found, [by_id[each] for each in picked])
model_table.draw(here, table, result, picked)
recommendation.not_comparable(plots, result, by_id)
