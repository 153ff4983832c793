"""The header of a page: what is shown, on which machine and under which conditions.

Each part of the scope is a button that opens its picker; the values are those of
`shell/scope_choice.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Any

import streamlit as st

from paretoscope.dashboard.shell import data, scope_choice
from paretoscope.dashboard.shell.error_card import error_card
from paretoscope.dashboard.shell.machines import measured_on
from paretoscope.dashboard.shell.scope import Scope
from paretoscope.tasks.builtin import BUILTIN_TASKS
from paretoscope.trials.format import short

MACHINE_HELP = "Measurements of different machines are never plotted on the same axes."
LIBRARY = "pages/library.py"
CHIPS = "scope_chips"
"""Key of the container of the pickers."""


def draw(here: Scope, actions: Callable[[], None] | None = None, *, title: str = "") -> None:
    """Title and actions in one line, the chips of the scope in the next."""
    with st.container(gap=None):
        with st.container(
            horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"
        ):
            st.markdown(f"## {title or heading(here)}", width="content")
            if actions:
                with st.container(
                    horizontal=True,
                    vertical_alignment="center",
                    width="content",
                    gap="small",
                    key="page_actions",
                ):
                    actions()
        with st.container(
            horizontal=True, vertical_alignment="center", gap="xsmall", key=CHIPS, width="stretch"
        ):
            _chips(here)
    _missing()


def bring_link() -> None:
    """The link to the page that takes a person's own model and data."""
    st.page_link(LIBRARY, label="Bring your model", icon=":material/upload_file:")


def heading(here: Scope) -> str:
    """What the model is: "Question classifier", or the name of a person's own."""
    if here.task in BUILTIN_TASKS and here.model in {ref.name for ref in data.builtin_models()}:
        return BUILTIN_TASKS[here.task].title
    return short(here.model)


def _chips(here: Scope) -> None:
    with _chip(short(here.model), ":material/deployed_code:", "model"):
        _select("Model", "model", scope_choice.model_names(), short, scope_choice.model_changed)
        if about := next((r.about for r in data.builtin_models() if r.name == here.model), ""):
            st.caption(f"{about}.")
    with _chip(short(here.task), ":material/dataset:", "task"):
        names = scope_choice.task_names(here.model)
        _select("Task", "task", names, short, scope_choice.task_changed)
        if here.task in BUILTIN_TASKS:
            st.caption(f"{BUILTIN_TASKS[here.task].about.capitalize()}.")
    found = {each.key: each for each in measured_on(here.model, here.task)}
    chosen = found[here.machine_key]
    with _chip(chosen.in_words(), ":material/memory:", "machine"):
        _select("Measured on", "machine", list(found), lambda key: found[key].in_words())
        st.caption(f"{chosen.described()}. {MACHINE_HELP}")
    choices = scope_choice.conditions(here.model, chosen)
    with _chip(here.conditions.in_words(), ":material/speed:", "at"):
        _select("Conditions", "at", list(choices), lambda key: choices[key].in_words())


@contextmanager
def _chip(label: str, icon: str, key: str) -> Generator[None]:
    """A button that opens a picker; what is in it is drawn only while it is open."""
    with st.popover(label, icon=icon, type="tertiary", key=f"chip_{key}"):
        yield


def _select(
    label: str,
    key: str,
    options: list[str],
    words: Callable[[str], str],
    on_change: Callable[[], None] | None = None,
) -> None:
    more: dict[str, Any] = {"format_func": words, "on_change": on_change}
    st.selectbox(label, options, key=key, persist_state="session", **more)


def _missing() -> None:
    """What the link of this visit names and this workspace does not have, until it is closed."""
    missing: dict[str, str] = st.session_state.get(scope_choice.MISSING, {})
    if not missing:
        return
    with st.container(border=True):
        error_card(in_words(missing))
        with st.container(horizontal=True):
            st.page_link(LIBRARY, label="Add a model or data", icon=":material/upload_file:")
            st.button("Close", type="tertiary", key="close_missing", on_click=_close)


def in_words(missing: dict[str, str]) -> str:
    """
    >>> in_words({"model": "org/name", "machine": "0123"})
    'This link shows the model "org/name" and the machine "0123", which are not in this workspace;\
 the nearest view is shown instead.'
    """
    names = {"at": "conditions"}
    parts = [f'the {names.get(key, key)} "{short(value)}"' for key, value in missing.items()]
    are = "are" if len(parts) > 1 else "is"
    return (
        f"This link shows {' and '.join(parts)}, which {are} not in this workspace; the nearest"
        " view is shown instead."
    )


def _close() -> None:
    st.session_state.pop(scope_choice.MISSING, None)
