"""The line under a page's heading about the demo study, and the button to switch to or from it."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from paretoscope.dashboard.parts.first_runs import measure_button
from paretoscope.dashboard.shell import data
from paretoscope.dashboard.shell.machines import MeasuredOn, alternative, switch_to
from paretoscope.dashboard.shell.scope import Scope
from paretoscope.report.tables.table import Row, newest
from paretoscope.trials.format import machine_in_words, when

SWITCH = "other_side"
"""Key of the button that switches between this machine and the demo study."""
SHOW_STUDY = "Show the demo study"
SEPARATE = "Models you measure on this machine are plotted separately."


def draw(scope: Scope) -> None:
    """Nothing when enough models are measured on this machine."""
    table = scope.rows()
    other = alternative(scope)
    if scope.demo and table:
        _study(scope, table, other)
    elif other:
        _few_models(table, other)


def study(scope: Scope, table: Sequence[Row]) -> str:
    """Size, machine, date and conditions of the demo study."""
    latest = newest(table).document
    return (
        f"Demo study: {models(len(table))} from **{scope.elsewhere}**,"
        f" {machine_in_words(latest)}, {when(latest)} · {scope.conditions.in_words()}."
    )


def _study(scope: Scope, table: Sequence[Row], this_machine: MeasuredOn | None) -> None:
    text, action = st.columns([5, 2], vertical_alignment="center")
    text.caption(f":material/info: {study(scope, table)} {SEPARATE}")
    queued = [row for row in data.live_trials() if row.request.model == scope.model]
    with action:
        if this_machine:
            label = f"Back to this machine ({models(this_machine.count)})"
            _switch(label, ":material/undo:", this_machine)
        if queued:
            label = f"Measuring: {len(queued)} left"
            st.page_link("pages/jobs.py", label=label, icon=":material/autorenew:")
        elif not this_machine:
            measure_button(scope, width="stretch")


def few_models(measured: int, other: MeasuredOn) -> str:
    """The number of models on this machine and in the demo study."""
    return (
        f"{models(measured)} measured on this machine. The demo study has {other.count}:"
        f" {other.described()}."
    )


def _few_models(table: Sequence[Row], other: MeasuredOn) -> None:
    text, action = st.columns([5, 2], vertical_alignment="center")
    text.caption(f":material/info: {few_models(len(table), other)}")
    with action:
        _switch(SHOW_STUDY, ":material/scatter_plot:", other)


def _switch(label: str, icon: str, other: MeasuredOn) -> None:
    st.button(label, icon=icon, on_click=switch_to, args=(other.key,), width="stretch", key=SWITCH)


def models(count: int) -> str:
    """
    >>> models(1), models(2), models(0)
    ('1 model', '2 models', 'No model')
    """
    return f"{count or 'No'} model{'s' if count > 1 else ''}"
