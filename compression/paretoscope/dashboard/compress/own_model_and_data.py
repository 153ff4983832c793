"""The popover for the reader's own model and data, and the request that uses them."""

from __future__ import annotations

import streamlit as st

from paretoscope import catalog
from paretoscope.dashboard.compress import uploads
from paretoscope.dashboard.shell import data
from paretoscope.dashboard.shell.error_card import error_card
from paretoscope.dashboard.shell.scope import Scope
from paretoscope.errors import ParetoscopeError, TaskError
from paretoscope.recipes.recipe import Recipe
from paretoscope.sources.resolve import resolve_model
from paretoscope.tasks.builtin import BUILTIN_TASKS
from paretoscope.tasks.ref import DataOptions
from paretoscope.trials.format import short
from paretoscope.trials.request import Conditions, Protocol, TrialRequest

OPEN = "own_open"
MODEL_HELP = (
    "A folder with config.json and safetensors files, a GGUF file, or a hub id such as"
    " org/name@revision."
)
UNLABELLED_HELP = "Used for training with a teacher, where a recipe asks for unlabelled texts."


def draw(scope: Scope) -> None:
    """The popover; it closes when model and data are valid, else it shows the error."""
    with st.popover(
        "Your model and data",
        icon=":material/upload_file:",
        type="tertiary",
        key=OPEN,
        on_change="rerun",
    ):
        _text("Model folder, file or hub id", "own_model", scope.model, help_text=MODEL_HELP)
        uploads.draw()
        _text("Path of a data file", uploads.PATH, scope.task)
        with st.container(horizontal=True):
            _text("Text column", "own_text", "text", width=140)
            _text("Label column", "own_label", "label", width=140)
            st.text_input(
                "Encoding", "utf-8", key="own_encoding", persist_state="session", width=140
            )
        _text("Path of unlabelled texts", "own_unlabelled", "none", help_text=UNLABELLED_HELP)
        st.button(
            "Use model and data",
            type="primary",
            key="own_use",
            on_click=_use,
            args=(scope.model, scope.task),
        )
        if uploads.ERROR in st.session_state:
            error_card(st.session_state[uploads.ERROR])


def _text(
    label: str, key: str, placeholder: str, *, width: int | None = None, help_text: str = ""
) -> None:
    st.text_input(
        label,
        key=key,
        placeholder=placeholder,
        persist_state="session",
        width=width or "stretch",
        help=help_text or None,
    )


def _entered(key: str) -> str | None:
    return st.session_state.get(key, "").strip() or None


def _use(model: str, task: str) -> None:
    """Callback: check model and data and make them the scope; an error changes nothing."""
    st.session_state.pop(uploads.ERROR, None)
    try:
        request = _checked(model, task)
    except ParetoscopeError as error:
        st.session_state[uploads.ERROR] = uploads.without_folder(str(error))
        return
    st.session_state["own_models"] = [*st.session_state.get("own_models", []), request.model]
    st.session_state["own_tasks"] = [*st.session_state.get("own_tasks", []), request.task]
    st.session_state["model"], st.session_state["task"] = request.model, request.task
    st.session_state[OPEN] = False
    st.toast(selected(request.model, request.task), icon=":material/check:")


def selected(model: str, task: str) -> str:
    """The message after a change of model and data."""
    return f"Selected {short(model)} on {short(task)}"


def _checked(model: str, task: str) -> TrialRequest:
    """The request for the baseline; fields without an entry mean the current scope."""
    wanted_model = _entered("own_model") or model
    wanted_task = _entered(uploads.PATH)
    found = resolve_model(wanted_model)
    if wanted_task is None and wanted_model == model:
        wanted_task = task
    if wanted_task is None and found.task is None:
        raise TaskError(
            f'The model "{wanted_model}" has no default task; enter a data file, or choose a task'
            " in the sidebar first."
        )
    options = data_options(wanted_task, unlabelled=_entered("own_unlabelled"))
    checked = catalog.request(found.name, Recipe(), task=wanted_task, options=options)
    data.check_model(found.name)
    return checked


def data_options(task: str | None, unlabelled: str | None = None) -> DataOptions:
    """The options in the form for a data file; the defaults for a built-in task."""
    if task is None or task in BUILTIN_TASKS:
        return DataOptions(unlabelled=unlabelled)
    return DataOptions(
        text_column=_entered("own_text"),
        label_column=_entered("own_label"),
        encoding=_entered("own_encoding") or "utf-8",
        unlabelled=unlabelled,
    )


def request(
    scope: Scope, recipe: Recipe, protocol: Protocol, conditions: Conditions
) -> TrialRequest:
    """The checked request for a recipe; raises `ParetoscopeError`."""
    unlabelled = _entered("own_unlabelled") if recipe.learns_from_unlabelled else None
    return catalog.request(
        scope.model,
        recipe,
        task=scope.task,
        protocol=protocol,
        conditions=conditions,
        options=data_options(scope.task, unlabelled=unlabelled),
    )
