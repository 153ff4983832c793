"""Where a chain lost and won: the model after each of its stages, and the button that measures
those that are missing.
"""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from paretoscope.catalog import request
from paretoscope.dashboard.shell import data, layout
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


def draw(scope: Scope, row: Row) -> None:
    """The steps of a recipe of two stages or more as a picture and in numbers; nothing for shorter
    ones.
    """
    if is_chain(row):
        st.markdown("###### After each stage")
        _steps(scope, row, [row])


def side_by_side(scope: Scope, rows: Sequence[Row]) -> None:
    """The chains among the rows, on equal axes: where one lost what another kept, or what another
    order of the same stages does.
    """
    chains = [row for row in rows if is_chain(row)]
    if not chains:
        return
    st.markdown("#### After each stage")
    for start in range(0, len(chains), ACROSS):
        for column, row in zip(
            st.columns(max(2, min(ACROSS, len(chains)))),
            chains[start : start + ACROSS],
            strict=False,
        ):
            with column:
                st.markdown(f"**{row.name}**")
                _steps(scope, row, chains)


def _steps(scope: Scope, row: Row, beside: Sequence[Row]) -> None:
    """On the axes of all that stand beside it."""
    table = scope.rows()
    found = steps(row, table)
    figure = stages_figure(
        found,
        on_axes_of=[step for each in beside for step in steps(each, table)],
        dark=layout.dark(),
    )
    alt = "The model after each stage; the same is under In numbers."
    st.plotly_chart(figure, key=f"stages_{row.id}", config={"displayModeBar": False}, alt=alt)
    missing = unmeasured(row, table)
    if missing and scope.demo:
        st.caption(
            "The study lacks steps in between. Make the model here, and they can be measured in"
            " seconds."
        )
    elif missing:
        _measure(scope, row, missing)
    with st.expander("In numbers"):
        st.markdown(_table(found))
        st.caption("In brackets: the change since the step before.")


def _table(found: Sequence[Step]) -> str:
    """Markdown."""
    heads = ("After", *(metric(key).label for key in found[0].axes.objectives), "Took")
    lines = [
        heads,
        tuple("---" for _ in heads),
        *(_cells(step, before) for step, before in zip(found, (None, *found), strict=False)),
    ]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _cells(step: Step, before: Step | None) -> tuple[str, ...]:
    """Numbers with their change since the step before, where both are known."""
    took = duration(step.seconds) if step.seconds is not None else "–"
    if step.row is None:
        return (step.stage, "not measured", "–", "–", took)
    past = before.row if before else None
    return (step.stage, *(_cell(key, step.row, past) for key in step.axes.objectives), took)


def _cell(key: str, row: Row, before: Row | None) -> str:
    value, last = row.point.value(key), before.point.value(key) if before else None
    change = "" if value is None else delta(key, value, last)
    return metric(key).format(value) + (f" ({change})" if change else "")


def _measure(scope: Scope, row: Row, missing: Sequence[Recipe]) -> None:
    """Queue the steps in between; they come from the cache, so it takes seconds."""
    waiting = {each.request.recipe.id for each in data.live_trials()}
    if any(recipe.id in waiting for recipe in missing):
        st.page_link("pages/jobs.py", label="Being measured", icon=":material/autorenew:")
        return
    if st.button(
        f"Measure {len(missing)} step{'s' if len(missing) > 1 else ''} in between",
        icon=":material/timer:",
        key=f"steps_{row.id}",
    ):
        try:
            protocol = row.document.protocol
            data.queue(
                [
                    request(
                        scope.model,
                        recipe,
                        task=scope.task,
                        protocol=protocol,
                        conditions=scope.conditions,
                    )
                    for recipe in missing
                ]
            )
        except ParetoscopeError as error:
            error_card(error)
        else:
            st.rerun()
