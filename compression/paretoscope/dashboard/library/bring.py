"""Bring your model and data: two drop zones, one report, one button.

It is a fragment, so another column redraws only this part of the page.
"""

from __future__ import annotations

import streamlit as st

from paretoscope.dashboard.library import (
    brought,
    data_columns,
    data_report,
    data_source,
    model_source,
    next_step,
    unlabelled,
    using,
)
from paretoscope.dashboard.library.model_facts import ModelReport
from paretoscope.dashboard.shell.error_card import error_card
from paretoscope.dashboard.shell.scope import Scope
from paretoscope.sources.ref import ModelRef
from paretoscope.tasks.builtin import BUILTIN_TASKS
from paretoscope.tasks.ref import DEFAULT_OPTIONS, DataOptions
from paretoscope.trials.format import short

NOTHING = "Add a model, data, or both."
NO_DATA = "Add data for this model."
MODEL_PROBLEMS = "The model cannot be used; the reason is above."
DATA_PROBLEMS = "The data cannot be used yet; the reason is below."


def draw(scope: Scope) -> None:
    """What to do next after a use; else the two drop zones."""
    if st.session_state.get(brought.USED) == (scope.model, scope.task):
        next_step.draw(scope)
    else:
        st.session_state.pop(brought.USED, None)
        _panel(scope)


@st.fragment
def _panel(scope: Scope) -> None:
    if brought.USED in st.session_state:  # by the click that reruns this fragment
        st.rerun()
    with st.container(border=True):
        left, right = st.columns(2, gap="large")
        with left:
            model = model_source.draw(scope)
        with right:
            task = data_source.draw(scope, model)
        action = st.container()
        options = _data(model, task) if task and _is_new() else DEFAULT_OPTIONS
        with action:
            if error := brought.error_of("use"):
                error_card(error)
            using.button(model.name, task, options, _why_not(model, task, options))


def _is_new() -> bool:
    return bool(brought.model() or brought.task())


def _data(model: ModelReport, task: str) -> DataOptions | None:
    """The report on the data, as far as the model is known."""
    if model.ref is None:
        return None
    st.markdown(f"#### {short(task)}")
    return _options(model.ref, task)


def _options(ref: ModelRef, task: str) -> DataOptions | None:
    if task in BUILTIN_TASKS:
        options: DataOptions | None = DEFAULT_OPTIONS
    else:
        options = data_columns.draw(task, labelled=ref.architecture == "classifier")
    if options is None:
        return None
    if ref.architecture == "classifier":
        options = options.model_copy(update={"unlabelled": unlabelled.draw(task)})
    return data_report.draw(ref, task, options)


def _why_not(model: ModelReport, task: str | None, options: DataOptions | None) -> str:
    """Why the button is disabled; empty if it is not."""
    if not _is_new():
        return NOTHING
    if not model.usable:
        return MODEL_PROBLEMS
    if task is None:
        return NO_DATA
    return "" if options is not None else DATA_PROBLEMS
