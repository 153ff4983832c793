"""A person's own model and data: typed in or uploaded, checked at once, and from then on part of
the scope.
"""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

import streamlit as st

from paretoscope import catalog
from paretoscope.dashboard.shell import data
from paretoscope.dashboard.shell.error_card import error_card
from paretoscope.dashboard.shell.scope import Scope
from paretoscope.errors import ParetoscopeError, TaskError
from paretoscope.recipes.recipe import Recipe
from paretoscope.sources.resolve import resolve_model
from paretoscope.tasks.builtin import BUILTIN_TASKS
from paretoscope.tasks.ref import DataOptions
from paretoscope.tasks.resolve import DATA_SUFFIXES
from paretoscope.trials.format import short
from paretoscope.trials.trial import Conditions, Protocol, TrialRequest
from paretoscope.workspace import write_whole

OPEN = "own_open"
MOST_MB = 64
"""Of an upload, which goes through memory; a larger file is named where it lies."""


def draw(scope: Scope) -> None:
    """The popover with upload and text fields; what is wrong with them is said in it. It closes
    when what they say is used.
    """
    with st.popover(
        "Your own model or data",
        icon=":material/upload_file:",
        type="tertiary",
        key=OPEN,
        on_change="rerun",
    ):
        st.text_input(
            "Model folder, file or hub id",
            key="own_model",
            placeholder=scope.model,
            persist_state="session",
        )
        st.caption(
            "A folder with config.json and safetensors, a GGUF file, or a hub id such as"
            " org/name@revision."
        )
        st.file_uploader(
            f"Data to upload, at most {MOST_MB} MB",
            type=[suffix.removeprefix(".") for suffix in DATA_SUFFIXES],
            max_upload_size=MOST_MB,
            key="own_upload",
            on_change=_uploaded,
        )
        st.text_input(
            "Or a data file on this machine",
            key="own_data",
            placeholder=scope.task,
            persist_state="session",
        )
        st.caption("CSV, Parquet or JSONL, for a language model also TXT.")
        with st.container(horizontal=True):
            st.text_input(
                "Text column",
                key="own_text",
                placeholder="text",
                persist_state="session",
                width=140,
            )
            st.text_input(
                "Label column",
                key="own_label",
                placeholder="label",
                persist_state="session",
                width=140,
            )
            st.text_input(
                "Encoding", "utf-8", key="own_encoding", persist_state="session", width=140
            )
        st.text_input(
            "Unlabelled texts",
            key="own_unlabelled",
            placeholder="a file to learn from, with a teacher",
            persist_state="session",
        )
        st.button(
            "Use it", type="primary", key="own_use", on_click=_use, args=(scope.model, scope.task)
        )
        if "own_error" in st.session_state:
            error_card(st.session_state["own_error"])


def _uploaded() -> None:
    """Callback of the upload: the file goes to the workspace and its path to the field, as if it
    had been typed.
    """
    file = st.session_state["own_upload"]
    st.session_state.pop("own_error", None)
    if file is None:
        if Path(st.session_state.get("own_data", "")).is_relative_to(data.workspace().uploads):
            st.session_state["own_data"] = ""
        return
    try:
        st.session_state["own_data"] = str(_kept(file.name, file.getvalue()))
    except OSError as error:
        st.session_state["own_error"] = (
            f'The file "{file.name}" cannot be kept in the workspace ({error.strerror}); free some'
            " space there."
        )


def _kept(name: str, content: bytes) -> Path:
    """Where the file now lies, under a hash of its content, so that the same one is there once."""
    plain = re.sub(r"[^\w.-]+", "-", Path(name).name)[-100:]
    path = data.workspace().uploads / hashlib.sha256(content).hexdigest()[:12] / plain
    if not path.is_file():
        write_whole(path, content)
    return path


def _use(model: str, task: str) -> None:
    """Check both, then make them the scope; a mistake leaves the scope as it is."""
    st.session_state.pop("own_error", None)
    wanted_model = st.session_state["own_model"].strip() or model
    wanted_task = st.session_state["own_data"].strip() or None
    try:
        found = resolve_model(wanted_model)
        if wanted_task is None and wanted_model == model:
            wanted_task = task
        if wanted_task is None and found.task is None:
            raise TaskError(
                f'The model "{wanted_model}" has no task of its own; give a data file, or pick a'
                " task in the sidebar first."
            )
        request = catalog.request(
            found.name,
            Recipe(),
            task=wanted_task,
            options=data_options(wanted_task, unlabelled=_unlabelled()),
        )
    except ParetoscopeError as error:
        st.session_state["own_error"] = re.sub(
            rf"{re.escape(str(data.workspace().uploads))}/\w+/", "", str(error)
        )
        return
    st.session_state["own_models"] = [*st.session_state.get("own_models", []), request.model]
    st.session_state["own_tasks"] = [*st.session_state.get("own_tasks", []), request.task]
    st.session_state["model"], st.session_state["task"] = request.model, request.task
    st.session_state[OPEN] = False
    st.toast(f"Now: {short(request.task)} on {short(request.model)}", icon=":material/check:")


def data_options(task: str | None, unlabelled: str | None = None) -> DataOptions:
    """The options in the form for a data file; the defaults for a built-in task."""
    if task is None or task in BUILTIN_TASKS:
        return DataOptions(unlabelled=unlabelled)
    text, label, encoding = (
        st.session_state.get(key, "").strip() for key in ("own_text", "own_label", "own_encoding")
    )
    return DataOptions(
        text_column=text or None,
        label_column=label or None,
        encoding=encoding or "utf-8",
        unlabelled=unlabelled,
    )


def request(
    scope: Scope, recipe: Recipe, protocol: Protocol, conditions: Conditions
) -> TrialRequest:
    """What the button would queue, checked as the command line checks it; raises
    `ParetoscopeError`.
    """
    unlabelled = _unlabelled() if recipe.learns_from_unlabelled else None
    return catalog.request(
        scope.model,
        recipe,
        task=scope.task,
        protocol=protocol,
        conditions=conditions,
        options=data_options(scope.task, unlabelled=unlabelled),
    )


def _unlabelled() -> str | None:
    """The file of texts to learn from, as typed."""
    return st.session_state.get("own_unlabelled", "").strip() or None
