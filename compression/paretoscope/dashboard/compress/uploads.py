"""Uploaded data files, stored in the workspace."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

import streamlit as st

from paretoscope.dashboard.shell import data, permissions
from paretoscope.errors import ParetoscopeError
from paretoscope.tasks.resolve import DATA_SUFFIXES
from paretoscope.workspace import write_whole

UPLOAD, PATH, ERROR = "own_upload", "own_data", "own_error"
"""Session state: the upload, the path of the data file, and the error of the popover."""
MOST_MB = 64
"""Of an upload, which is read into memory; the path of a larger file can be entered."""


def draw() -> None:
    st.file_uploader(
        f"Data file (at most {MOST_MB} MB)",
        type=[suffix.removeprefix(".") for suffix in DATA_SUFFIXES],
        max_upload_size=MOST_MB,
        key=UPLOAD,
        on_change=_uploaded,
        disabled=not permissions.may_act(),
        help=permissions.reason()
        or "CSV, Parquet or JSONL with a text and a label column; TXT for a language model.",
    )


def _uploaded() -> None:
    """Callback: store the file and enter its path; a removed upload clears the path."""
    file = st.session_state[UPLOAD]
    st.session_state.pop(ERROR, None)
    if file is None:
        if Path(st.session_state.get(PATH, "")).is_relative_to(data.workspace().uploads):
            st.session_state[PATH] = ""
        return
    try:
        permissions.require()
        st.session_state[PATH] = str(_stored(file.name, file.getvalue()))
    except ParetoscopeError as error:
        st.session_state[ERROR] = str(error)
    except OSError as error:
        st.session_state[ERROR] = not_stored(file.name, str(error.strerror))


def not_stored(name: str, reason: str) -> str:
    return f'The file "{name}" cannot be stored in the workspace ({reason}); free some disk space.'


def _stored(name: str, content: bytes) -> Path:
    """The path of the stored file, under a hash of its content, so that it is stored once."""
    plain = re.sub(r"[^\w.-]+", "-", Path(name).name)[-100:]
    path = data.workspace().uploads / hashlib.sha256(content).hexdigest()[:12] / plain
    if not path.is_file():
        write_whole(path, content)
    return path


def without_folder(message: str) -> str:
    """A message without the path of the uploads folder."""
    return re.sub(rf"{re.escape(str(data.workspace().uploads))}/\w+/", "", message)
