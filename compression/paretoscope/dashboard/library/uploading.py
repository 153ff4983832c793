"""Uploads from the browser: stored in the workspace, then brought."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import streamlit as st

from paretoscope.dashboard.library import brought
from paretoscope.dashboard.shell import data, permissions
from paretoscope.errors import ParetoscopeError
from paretoscope.library.uploads import Upload, store_data, store_model

MOST_MODEL_MB = 1024
MOST_DATA_MB = 200
"""Of an upload, which the server holds in memory while it is stored; paths have no limit."""

STORED = "brought_uploads"
"""Session state: the paths of data files by the id of their upload."""


def model(key: str) -> None:
    """Callback of the model's uploader; without files the upload is forgotten."""
    files: list[Any] = st.session_state.get(key) or []
    brought.report_error("model", None)
    if not files:
        if _is_upload(brought.model()):
            brought.set_model(None)
        return
    try:
        permissions.require()
        path = store_model(data.workspace(), _uploads(files))
    except ParetoscopeError as error:
        brought.set_model(None)
        brought.report_error("model", str(error))
    else:
        brought.set_model(str(path))


def task(key: str) -> None:
    """Callback of the data's uploader."""
    file: Any = st.session_state.get(key)
    brought.report_error("data", None)
    if file is None:
        if _is_upload(brought.task()):
            brought.set_task(None)
        return
    try:
        brought.set_task(stored(file))
    except ParetoscopeError as error:
        brought.set_task(None)
        brought.report_error("data", str(error))


def stored(file: Any) -> str:
    """The path of a data file, stored once an upload; raises `ParetoscopeError`."""
    permissions.require()
    paths: dict[str, str] = st.session_state.setdefault(STORED, {})
    if file.file_id not in paths:
        paths[file.file_id] = str(store_data(data.workspace(), _uploads([file])[0]))
    return paths[file.file_id]


def _uploads(files: Sequence[Any]) -> list[Upload]:
    return [Upload(file.name, file, file.size) for file in files]


def _is_upload(name: str | None) -> bool:
    return bool(name) and str(name).startswith(str(data.workspace().uploads))
