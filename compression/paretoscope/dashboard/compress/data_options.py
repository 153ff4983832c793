"""The options with which a data file is read: those of the form, and those used before."""

from __future__ import annotations

import streamlit as st

from paretoscope.dashboard.compress import label_table
from paretoscope.dashboard.shell import permissions
from paretoscope.dashboard.shell.scope import Scope
from paretoscope.tasks.builtin import BUILTIN_TASKS
from paretoscope.tasks.ref import DataOptions

MAX_LENGTH_HELP = "Longer texts are truncated. By default the model's own maximum applies."
SPLIT_HELP = (
    "Column that names the split of each row. By default rows are split by the hash of the text."
)
GROUP_HELP = "Column of a group, such as a film: all rows of a group are put in one split."
UNLABELLED_HELP = "Used for training with a teacher, where a recipe asks for unlabelled texts."


def text_field(
    label: str, key: str, placeholder: str, *, width: int | None = None, help_text: str = ""
) -> None:
    st.text_input(
        label,
        key=key,
        placeholder=placeholder,
        persist_state="session",
        width=width or "stretch",
        help=permissions.reason() or help_text or None,
        disabled=not permissions.may_act(),
    )


def entered(key: str) -> str | None:
    """The text in a field; None if it is empty, or if the dashboard is read-only."""
    if not permissions.may_act():
        return None
    return st.session_state.get(key, "").strip() or None


def draw_columns() -> None:
    """The fields for text and label column, and the encoding."""
    with st.container(horizontal=True):
        text_field("Text column", "own_text", "text", width=140)
        text_field("Label column", "own_label", "label", width=140)
        st.text_input("Encoding", "utf-8", key="own_encoding", persist_state="session", width=140)


def draw_more() -> None:
    """The fields that are rarely needed, in an expander."""
    with st.expander("Splits, length and missing labels"):
        with st.container(horizontal=True):
            text_field("Split column", "own_split", "none", width=140, help_text=SPLIT_HELP)
            text_field("Group column", "own_group", "none", width=140, help_text=GROUP_HELP)
            st.number_input(
                "Maximum length",
                min_value=1,
                value=None,
                step=1,
                key="own_max_length",
                placeholder="tokens",
                persist_state="session",
                width=140,
                help=MAX_LENGTH_HELP,
            )
        st.toggle("Drop rows without a label", key="own_drop", persist_state="session")
        text_field("Path of unlabelled texts", "own_unlabelled", "none", help_text=UNLABELLED_HELP)


def of_form(model: str, task: str | None) -> DataOptions:
    """The options in the form for a data file; the defaults for a built-in task."""
    unlabelled = entered("own_unlabelled")
    if task is None or task in BUILTIN_TASKS:
        return DataOptions(unlabelled=unlabelled)
    return _without_labels().model_copy(
        update={"unlabelled": unlabelled, "labels": label_table.chosen(model, task)}
    )


def _without_labels() -> DataOptions:
    return DataOptions(
        text_column=entered("own_text"),
        label_column=entered("own_label"),
        encoding=entered("own_encoding") or "utf-8",
        split_column=entered("own_split"),
        group_column=entered("own_group"),
        max_length=st.session_state.get("own_max_length"),
        drop_missing=st.session_state.get("own_drop", False),
    )


def draw_labels(model: str, task: str) -> None:
    """The table of labels, where the order of the labels is not known."""
    if task not in BUILTIN_TASKS:
        label_table.draw(model, task, _without_labels())


def of_task(scope: Scope, *, unlabelled: bool) -> DataOptions:
    """The options of the scope; `unlabelled` says whether a recipe trains on unlabelled texts."""
    more = entered("own_unlabelled") if unlabelled else None
    return scope.options.model_copy(update={"unlabelled": more or scope.options.unlabelled})
