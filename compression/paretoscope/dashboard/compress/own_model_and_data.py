"""The popover for the reader's own model and data, and the request that uses them."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import streamlit as st

from paretoscope import catalog
from paretoscope.dashboard.compress import data_options, uploads
from paretoscope.dashboard.compress.data_options import entered, text_field
from paretoscope.dashboard.shell import data, permissions, scope_choice
from paretoscope.dashboard.shell.error_card import error_card
from paretoscope.dashboard.shell.scope import Scope
from paretoscope.errors import ParetoscopeError, TaskError
from paretoscope.library import Entry, add
from paretoscope.recipes.recipe import Recipe
from paretoscope.sources.resolve import BUILTIN_DECODERS, BUILTIN_MODELS, resolve_model
from paretoscope.tasks.builtin import BUILTIN_TASKS
from paretoscope.tasks.ref import DataOptions
from paretoscope.trials.format import short
from paretoscope.trials.request import Conditions, Protocol, TrialRequest

OPEN = "own_open"
MODEL_HELP = (
    "A folder with config.json and safetensors files, a GGUF file, or a hub id such as"
    " org/name@revision."
)


def draw(scope: Scope) -> None:
    """The popover; it closes when model and data are valid, else it shows the error."""
    with st.popover(
        "Your model and data",
        icon=":material/upload_file:",
        type="tertiary",
        key=OPEN,
        on_change="rerun",
    ):
        text_field("Model folder, file or hub id", "own_model", scope.model, help_text=MODEL_HELP)
        uploads.draw()
        text_field("Path of a data file", uploads.PATH, scope.task)
        data_options.draw_columns()
        if st.session_state.get(OPEN) and permissions.may_act():
            model, task = _absolute(entered("own_model") or scope.model), entered(uploads.PATH)
            data_options.draw_labels(model, _absolute(task or scope.task))
        data_options.draw_more()
        permissions.button(
            "Use model and data",
            type="primary",
            key="own_use",
            act=partial(_use, scope.model, scope.task),
        )
        if uploads.ERROR in st.session_state:
            error_card(st.session_state[uploads.ERROR])


def _use(model: str, task: str) -> None:
    """Callback: check model and data and make them the scope; an error changes nothing."""
    st.session_state.pop(uploads.ERROR, None)
    try:
        permissions.require()
        request, options = _checked(model, task)
    except ParetoscopeError as error:
        st.session_state[uploads.ERROR] = uploads.without_folder(str(error))
        return
    now = datetime.now(UTC)
    if request.model not in BUILTIN_MODELS and request.model not in BUILTIN_DECODERS:
        add(data.workspace(), Entry(kind="model", name=request.model, added_at=now))
    if request.task not in BUILTIN_TASKS:
        entry = Entry(
            kind="data", name=request.task, model=request.model, options=options, added_at=now
        )
        add(data.workspace(), entry)
    scope_choice.model_changed()
    st.session_state["model"], st.session_state["task"] = request.model, request.task
    st.session_state[OPEN] = False
    st.toast(selected(request.model, request.task), icon=":material/check:")


def selected(model: str, task: str) -> str:
    """The message after a change of model and data."""
    return f"Selected {short(model)} on {short(task)}"


def _absolute(name: str) -> str:
    """The name of a model or task as requests have it: an existing path becomes absolute."""
    path = Path(os.path.abspath(Path(name).expanduser()))
    return str(path) if path.exists() else name


def _checked(model: str, task: str) -> tuple[TrialRequest, DataOptions]:
    """The request for the baseline and its options; an empty field means the current scope."""
    wanted_model = entered("own_model") or model
    wanted_task = entered(uploads.PATH)
    found = resolve_model(wanted_model)
    if wanted_task is None and wanted_model == model:
        wanted_task = task
    if wanted_task is None and found.task is None:
        raise TaskError(
            f'The model "{wanted_model}" has no default task; enter a data file, or choose a task'
            " first."
        )
    options = data_options.of_form(
        _absolute(wanted_model), _absolute(wanted_task) if wanted_task else None
    )
    checked = catalog.request(found.name, Recipe(), task=wanted_task, options=options)
    data.check_model(found.name)
    return checked, options


def request(
    scope: Scope, recipe: Recipe, protocol: Protocol, conditions: Conditions
) -> TrialRequest:
    """The checked request for a recipe; raises `ParetoscopeError`."""
    return catalog.request(
        scope.model,
        recipe,
        task=scope.task,
        protocol=protocol,
        conditions=conditions,
        options=data_options.of_task(scope, unlabelled=recipe.learns_from_unlabelled),
    )
