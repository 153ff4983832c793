"""What a visitor has brought in this session and not used yet: a model and a data file.

It is never in the address: a link must not make the page read a path.
"""

from __future__ import annotations

import os
from pathlib import Path

import streamlit as st

MODEL, TASK, ERRORS, USED = "brought_model", "brought_task", "brought_errors", "brought_used"
"""Session state: names of model and data, errors by place, and what was used last."""


def model() -> str | None:
    return st.session_state.get(MODEL)


def task() -> str | None:
    return st.session_state.get(TASK)


def set_model(name: str | None) -> None:
    st.session_state[MODEL] = name


def set_task(name: str | None) -> None:
    st.session_state[TASK] = name


def report_error(place: str, error: str | None) -> None:
    """Keep an error of `place` ("model", "hub" or "data") until the next attempt."""
    errors: dict[str, str] = st.session_state.setdefault(ERRORS, {})
    errors.pop(place, None)
    if error:
        errors[place] = error


def error_of(place: str) -> str | None:
    return st.session_state.get(ERRORS, {}).get(place)


def clear() -> None:
    """Forget what was brought, after it was used."""
    for key in (MODEL, TASK, ERRORS):
        st.session_state.pop(key, None)


def absolute(name: str) -> str:
    """The name of a model or task as requests have it: an existing path becomes absolute."""
    path = Path(os.path.abspath(Path(name.strip()).expanduser()))
    try:
        return str(path) if path.exists() else name.strip()
    except OSError:
        return name.strip()
