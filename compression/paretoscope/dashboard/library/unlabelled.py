"""Unlabelled texts for recipes that train with a teacher: a file of the library or a new one."""

from __future__ import annotations

from typing import Any

import streamlit as st

from paretoscope.dashboard.library import uploading
from paretoscope.dashboard.shell import data, permissions
from paretoscope.dashboard.shell.error_card import error_card
from paretoscope.errors import ParetoscopeError
from paretoscope.keys import short_key
from paretoscope.tasks.builtin import BUILTIN_TASKS
from paretoscope.tasks.resolve import DATA_SUFFIXES
from paretoscope.trials.format import short

ABOUT = (
    "Used only by recipes that train on unlabelled texts with a teacher. One text a line, or a file"
    " with a text column."
)
NONE = "none"


def draw(task: str) -> str | None:
    """The path of the file; None without one."""
    key = f"bring_more_{short_key(task)}"
    with st.expander("Unlabelled texts (optional)"):
        st.caption(ABOUT)
        added = [entry.name for entry in data.library() if entry.kind == "data"]
        names = [
            NONE,
            *(name for name in dict.fromkeys(added) if name not in (*BUILTIN_TASKS, task)),
        ]
        chosen = st.selectbox("Of the library", names, key=f"{key}_known", format_func=short)
        file: Any = st.file_uploader(
            f"Or a file, up to {uploading.MOST_DATA_MB} MB",
            type=[suffix.removeprefix(".") for suffix in DATA_SUFFIXES],
            max_upload_size=uploading.MOST_DATA_MB,
            key=f"{key}_file",
            disabled=not permissions.may_act(),
        )
        if file is None:
            return None if chosen == NONE else chosen
        try:
            return uploading.stored(file)
        except ParetoscopeError as error:
            error_card(error)
            return None
