"""Bring data: a file from the browser, a path on this machine, or what the library has."""

from __future__ import annotations

import streamlit as st

from paretoscope.dashboard.library import brought, uploading
from paretoscope.dashboard.library.model_facts import ModelReport
from paretoscope.dashboard.shell import data, permissions
from paretoscope.dashboard.shell.error_card import error_card
from paretoscope.dashboard.shell.scope import Scope
from paretoscope.families.family import ArchitectureName
from paretoscope.tasks.builtin import BUILTIN_TASKS
from paretoscope.tasks.resolve import DATA_SUFFIXES
from paretoscope.trials.format import short

UPLOAD, PATH, KNOWN = "bring_data_file", "bring_data_path", "bring_data_known"
KINDS = "CSV, TSV, JSONL or Parquet with texts and labels, or TXT for a language model"
DROP = f"{KINDS}, up to {uploading.MOST_DATA_MB} MB"


def draw(scope: Scope, model: ModelReport) -> str | None:
    """The three ways; the name of the task that is used, None if there is none yet."""
    architecture = model.ref.architecture if model.ref else "classifier"
    st.markdown("#### 2 · Data")
    drop, path, known = st.tabs(["Drop a file", "Path on this machine", "In the library"])
    with drop:
        st.file_uploader(
            DROP,
            type=[suffix.removeprefix(".") for suffix in DATA_SUFFIXES],
            max_upload_size=uploading.MOST_DATA_MB,
            key=UPLOAD,
            on_change=uploading.task,
            args=(UPLOAD,),
            disabled=not permissions.may_act(),
            help=permissions.reason() or None,
        )
    with path:
        _path()
    with known:
        st.selectbox(
            "Built-in task or added file",
            names(architecture),
            index=None,
            key=KNOWN,
            format_func=short,
            placeholder="Choose data",
            on_change=_pick_known,
        )
    if error := brought.error_of("data"):
        error_card(error)
    return _chosen(scope, model, architecture)


def names(architecture: ArchitectureName) -> list[str]:
    """Built-in tasks for this kind of model, then the data files of the library."""
    builtin = [
        name
        for name, task in BUILTIN_TASKS.items()
        if bool(task.labels) == (architecture == "classifier")
    ]
    added = [entry.name for entry in data.library() if entry.kind == "data"]
    return list(dict.fromkeys([*builtin, *added]))


def _path() -> None:
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.text_input("Data file", key=PATH, placeholder="/home/me/reviews.csv")
        permissions.button("Read", key="bring_data_read", act=_read_path)


def _read_path() -> None:
    """Callback: only a click makes the page read a path."""
    name = st.session_state.get(PATH, "").strip()
    brought.report_error("data", None)
    if name and permissions.may_act():
        brought.set_task(brought.absolute(name))


def _pick_known() -> None:
    """Callback: data of the library replaces what was brought."""
    brought.report_error("data", None)
    brought.set_task(st.session_state.get(KNOWN))


def _chosen(scope: Scope, model: ModelReport, architecture: ArchitectureName) -> str | None:
    """The data that was brought, else that of the current model, else prose for a decoder."""
    if name := brought.task():
        return name
    usual = scope.task if model.name == scope.model else None
    if usual is None and architecture == "decoder":
        usual = "prose"
    if usual:
        st.caption(f":material/dataset: Without a file, **{short(usual)}** is used.")
    else:
        st.caption(":material/dataset: Add the data on which this model is measured.")
    return usual
