"""Delete with undo: whatever goes is in the trash of the workspace until it is emptied."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import streamlit as st

from paretoscope.dashboard.shell import data, permissions
from paretoscope.errors import ParetoscopeError
from paretoscope.library import Entry, trash
from paretoscope.library.trash import Deleted

LAST, ERROR = "library_deleted", "library_delete_error"
"""Session state: the last thing that was deleted here, and why one was not."""


def delete(what: str, paths: Sequence[Path], entries: Sequence[Entry] = ()) -> None:
    """Callback: move into the trash; an error is kept for the page."""
    st.session_state.pop(ERROR, None)
    try:
        permissions.require()
        st.session_state[LAST] = trash.delete(data.workspace(), what, paths=paths, entries=entries)
    except ParetoscopeError as error:
        st.session_state[ERROR] = str(error)


def restore(deleted: Deleted) -> None:
    """Callback: put it back."""
    st.session_state.pop(ERROR, None)
    try:
        permissions.require()
        trash.restore(data.workspace(), deleted)
    except ParetoscopeError as error:
        st.session_state[ERROR] = str(error)
    st.session_state.pop(LAST, None)


def uploaded(name: str) -> list[Path]:
    """The copy of an upload in the workspace; nothing for a file elsewhere, which stays."""
    path = Path(name)
    return [path] if path.is_relative_to(data.workspace().uploads) else []


def in_use(model: str | None = None, task: str | None = None) -> str:
    """Why a model or data file cannot be deleted: a job needs it; empty if none does."""
    live = [
        row
        for row in data.live_trials()
        if model in (None, row.request.model) and task in (None, row.request.task)
    ]
    if not live:
        return ""
    return f"{len(live)} queued or running {'job needs' if len(live) == 1 else 'jobs need'} it."
