"""Where a chain lost and won: the model after each of its stages, and the button that measures those that are missing."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from compression.catalog import request
from compression.errors import ParetoscopeError
from compression.metrics import metric
from compression.recipe import Recipe
from compression.report.table import Row, delta
from compression.report.waterfall import Step, steps, unmeasured
from dashboard import data
from dashboard.cards import error_card
from dashboard.scope import Scope
from dashboard.timing import duration


def draw(scope: Scope, row: Row) -> None:
    """The steps of a recipe of two stages or more as a table; nothing for shorter ones."""
    if len(row.document.recipe.stages) < 2:
        return
    table = scope.rows()
    found = steps(row, table)
    with st.expander("After each stage"):
        heads = ("After", *(metric(key).label for key in row.document.axes.objectives), "Took")
        lines = [heads, tuple("---" for _ in heads), *(_cells(step, before) for step, before in zip(found, (None, *found), strict=False))]
        st.markdown("\n".join(f"| {' | '.join(line)} |" for line in lines))
        st.caption("In brackets: the change since the step before.")
        missing = unmeasured(row, table)
        if missing and scope.demo:
            st.caption("The study lacks steps in between. Make the model here, and they can be measured in seconds.")
        elif missing:
            _measure(scope, row, missing)


def _cells(step: Step, before: Step | None) -> tuple[str, ...]:
    """Numbers with their change since the step before, where both are known."""
    took = duration(step.seconds) if step.seconds is not None else "–"
    if step.row is None:
        return (step.stage, "not measured", "–", "–", took)
    own, past = step.row.point, before.row.point if before and before.row else None
    axes = step.axes
    value, last = own.value(axes.quality), past.value(axes.quality) if past else None
    changed = f" ({delta(axes.quality, value, last)})" if value is not None and last is not None else ""
    quality, size, time = (metric(key).format(own.value(key)) for key in axes.objectives)
    return (step.stage, quality + changed, size, time, took)


def _measure(scope: Scope, row: Row, missing: Sequence[Recipe]) -> None:
    """Queue the steps in between; they come from the cache, so it takes seconds."""
    waiting = {each.request.recipe.id for each in data.live_trials()}
    if any(recipe.id in waiting for recipe in missing):
        st.page_link("pages/jobs.py", label="Being measured", icon=":material/autorenew:")
        return
    if st.button(f"Measure {len(missing)} step{'s' if len(missing) > 1 else ''} in between", icon=":material/timer:", key=f"steps_{row.id}"):
        try:
            protocol = row.document.protocol
            data.queue([request(scope.model, recipe, task=scope.task, protocol=protocol, conditions=scope.conditions) for recipe in missing])
        except ParetoscopeError as error:
            error_card(error)
        else:
            st.rerun()
