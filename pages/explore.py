"""Which small model should I take? Both Pareto curves of the scope, the answer in words first."""

from __future__ import annotations

import streamlit as st

from paretoscope.dashboard.explore import limits, model_table, recommendation, selection_tray
from paretoscope.dashboard.parts import charts, empty_states
from paretoscope.dashboard.shell import layout, scope, selection
from paretoscope.frontier.front import front
from paretoscope.frontier.limits import judged_by
from paretoscope.frontier.points import Point
from paretoscope.frontier.recommend import recommend

layout.guard("explore")
here = scope.current()
table = here.rows()
limits.begin(here)
by_id = {row.id: row for row in table}

share = empty_states.header(here, table)
if not table:
    empty_states.nothing_measured(here)
    st.stop()

answer = st.container()
baseline: Point | None = next((row.point for row in table if row.document.is_baseline), None)
sliders = st.container()
key, better = st.columns(2, gap="medium")
with key:
    table = limits.strategies(table)
with better:
    objectives = limits.objectives_chosen(table, here.axes)
with sliders:
    asked = limits.draw(table, baseline, here.axes, objectives)
points = [row.point for row in table]
advice = recommend(points, asked.constraints, objectives, baseline)
found = front(points, objectives)
picked = selection.picked(list(by_id), here.instead())
with answer:
    recommendation.draw(here, advice, by_id, len(table), judged_by(objectives, asked.constraints))

overlay = recommendation.overlay(found, advice, asked.bounds, picked)
shown = []
for column, name, x in zip(
    st.columns(2, gap="medium"), ("a", "b"), (here.axes.size, here.axes.time), strict=True
):
    with column:
        shown.append(
            charts.plot(
                name,
                table,
                x,
                here.axes.quality,
                overlay,
            )
        )
recommendation.legend(found, advice, shown, picked)

selection_tray.draw(here, found, [by_id[id] for id in picked])
model_table.draw(here, table, found, advice, picked)
recommendation.not_comparable(shown, found, by_id)
empty_states.link(share, here)
