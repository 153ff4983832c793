"""The model after each stage of a chain, and the button that measures missing stages."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from paretoscope.catalog import request
from paretoscope.dashboard.parts import glossary
from paretoscope.dashboard.parts.figure import show
from paretoscope.dashboard.parts.model_heading import title
from paretoscope.dashboard.shell import data, layout, permissions
from paretoscope.dashboard.shell.error_card import error_card
from paretoscope.dashboard.shell.scope import Scope
from paretoscope.errors import ParetoscopeError
from paretoscope.recipes.recipe import Recipe
from paretoscope.report.figures.chain_figure import stages_figure
from paretoscope.report.tables.chain import Step, is_chain, steps, unmeasured
from paretoscope.report.tables.change import delta
from paretoscope.report.tables.table import Row
from paretoscope.trials.format import duration
from paretoscope.trials.metrics import metric

ACROSS = 3
HEADING = "After each stage"
INCOMPLETE_STUDY = (
    "The demo study has no measurements of some stages. Make this model to measure them in seconds."
)


def draw(scope: Scope, row: Row) -> None:
    """The steps of a recipe with several stages; nothing for shorter ones."""
    if is_chain(row):
        st.markdown(f"###### {HEADING}", help=glossary.sentence("Stage"))
        _steps(scope, row, [row])


def side_by_side(scope: Scope, rows: Sequence[Row]) -> None:
    """The chains among the rows on equal axes."""
    chains = [row for row in rows if is_chain(row)]
    if not chains:
        return
    st.markdown(f"#### {HEADING}", help=glossary.sentence("Stage"))
    across = max(2, min(ACROSS, len(chains)))
    for start in range(0, len(chains), ACROSS):
        for column, row in zip(st.columns(across), chains[start : start + ACROSS], strict=False):
            with column:
                st.markdown(f"**{title(row)}**")
                _steps(scope, row, chains)


def _steps(scope: Scope, row: Row, aligned: Sequence[Row]) -> None:
    """Figure and table, on axes that fit all `aligned` chains."""
    table = scope.rows()
    found = steps(row, table)
    every = [step for each in aligned for step in steps(each, table)]
    figure = stages_figure(found, on_axes_of=every, dark=layout.dark())
    alt = "The model after each stage; the numbers are in the table below."
    show(figure, key=f"stages_{row.id}", alt=alt)
    missing = unmeasured(row, table)
    if missing and scope.demo:
        st.caption(INCOMPLETE_STUDY)
    elif missing:
        _measure(scope, row, missing)
    with st.expander("Table"):
        st.markdown(_table(found))
        st.caption("In parentheses: change from the previous stage.")


def _table(found: Sequence[Step]) -> str:
    """A markdown table."""
    heads = ("Stage", *(metric(key).label for key in found[0].axes.objectives), "Duration")
    lines = [
        heads,
        tuple("---" for _ in heads),
        *(_cells(step, before) for step, before in zip(found, (None, *found), strict=False)),
    ]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _cells(step: Step, before: Step | None) -> tuple[str, ...]:
    """Numbers with their change from the previous step, where both are known."""
    took = duration(step.seconds) if step.seconds is not None else "–"
    if step.row is None:
        return (step.stage, "not measured", "–", "–", took)
    past = before.row if before else None
    return (step.stage, *(_cell(key, step.row, past) for key in step.axes.objectives), took)


def _cell(key: str, row: Row, before: Row | None) -> str:
    value, last = row.point.value(key), before.point.value(key) if before else None
    change = "" if value is None else delta(key, value, last)
    return metric(key).format(value) + (f" ({change})" if change else "")


def measure_label(count: int) -> str:
    return f"Measure {count} missing stage{'s' if count > 1 else ''}"


def _measure(scope: Scope, row: Row, missing: Sequence[Recipe]) -> None:
    """Queue the missing stages, whose work is in the cache."""
    waiting = {each.request.recipe.id for each in data.live_trials()}
    if any(recipe.id in waiting for recipe in missing):
        st.page_link("pages/jobs.py", label="Measuring", icon=":material/autorenew:")
        return
    label, key = measure_label(len(missing)), f"steps_{row.id}"
    if not permissions.button(label, icon=":material/timer:", key=key):
        return
    try:
        data.queue(
            [
                request(
                    scope.model,
                    recipe,
                    task=scope.task,
                    protocol=row.summary.protocol,
                    conditions=scope.conditions,
                )
                for recipe in missing
            ]
        )
    except ParetoscopeError as error:
        error_card(error)
    else:
        st.rerun()
