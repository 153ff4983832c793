"""Cards of data: the files that were added, and the built-in tasks."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import NamedTuple

import streamlit as st

from paretoscope.dashboard.library import brought, deleting, grid
from paretoscope.dashboard.library.wording import counted, without_folder
from paretoscope.dashboard.shell import data, permissions, scope_choice
from paretoscope.dashboard.shell.scope import Scope
from paretoscope.errors import ParetoscopeError
from paretoscope.keys import content_key
from paretoscope.library import Entry
from paretoscope.tasks.builtin import BUILTIN_TASKS
from paretoscope.tasks.load import load_task
from paretoscope.tasks.ref import DEFAULT_OPTIONS, DataOptions
from paretoscope.tasks.resolve import resolve_task
from paretoscope.tasks.splits import SPLITS
from paretoscope.trials.format import short

NONE_YET = "No data was added yet: drop a file above."


class Summary(NamedTuple):
    """Different texts and labels of data, or why it cannot be read."""

    texts: int = 0
    labels: tuple[str, ...] = ()
    problem: str = ""

    def in_words(self) -> str:
        if self.problem:
            return f":red[:material/error:] {self.problem}"
        labels = f" · {counted(len(self.labels), 'label')}" if self.labels else ""
        return f"{counted(self.texts, 'different text')}{labels}"


def draw(scope: Scope) -> None:
    added = [
        entry
        for entry in reversed(data.library())
        if entry.kind == "data" and entry.name not in BUILTIN_TASKS
    ]
    st.markdown(f"#### Data ({len(added) + len(BUILTIN_TASKS)})")
    if added:
        grid.draw(added, partial(_added, scope))
    else:
        st.caption(NONE_YET)
    opened = st.expander(
        f"Built-in data ({len(BUILTIN_TASKS)})", key="builtin_data", on_change="rerun"
    )
    if opened.open:  # reading the texts of all of them takes seconds
        with opened:
            grid.draw(list(BUILTIN_TASKS), partial(_builtin, scope))


def _added(scope: Scope, entry: Entry) -> None:
    key = content_key(entry.name, entry.model)
    summary = _of(entry)
    selected = (scope.model, scope.task) == (entry.model, entry.name)
    st.markdown(
        f"**{short(entry.name)}** :blue-badge[yours]"
        + (" :green-badge[selected]" if selected else "")
    )
    st.markdown(summary.in_words())
    st.caption(f"read for {short(entry.model)}" if entry.model else "")
    with st.container(horizontal=True, gap="xsmall"):
        permissions.button(
            "Use",
            key=f"use_data_{key}",
            why_not=summary.problem and "It cannot be read; see the reason above.",
            act=partial(_use, entry),
        )
        with st.popover("Details", type="tertiary", key=f"details_data_{key}"):
            st.code(entry.name, language=None, wrap_lines=True)
            _options(entry.options)
            st.caption(", ".join(summary.labels))
        with st.popover("Delete", type="tertiary", key=f"delete_data_{key}"):
            _delete(entry, key)


def _use(entry: Entry) -> None:
    """Callback: the data with the model for which it was read; else ask for a model."""
    if entry.model is None:
        brought.set_task(entry.name)
        return
    scope_choice.select(entry.model, entry.name)
    st.session_state[brought.USED] = (entry.model, entry.name)


def _options(options: DataOptions) -> None:
    """How the file is read, where it is not the default."""
    for name, value in options.model_dump(exclude_defaults=True).items():
        st.markdown(f"{name.replace('_', ' ').capitalize()}: `{value!r}`")


def _delete(entry: Entry, key: str) -> None:
    same = [each for each in data.library() if (each.kind, each.name) == ("data", entry.name)]
    permissions.button(
        "Remove the data",
        key=f"drop_data_{key}",
        why_not=deleting.in_use(task=entry.name),
        act=partial(
            deleting.delete, f"Data {short(entry.name)}", deleting.uploaded(entry.name), same
        ),
    )
    st.caption("Measured results stay. Files outside the workspace are not touched.")


def _builtin(scope: Scope, name: str) -> None:
    task = BUILTIN_TASKS[name]
    selected = " :green-badge[selected]" if name == scope.task else ""
    st.markdown(f"**{name}** :gray-badge[built-in]{selected}")
    st.markdown(f"{task.about.capitalize()}.")
    st.caption(_summary(name, DEFAULT_OPTIONS, None).in_words())
    st.caption(f"Source and licence: {task.source}.")


def _of(entry: Entry) -> Summary:
    """As it was read when it was added; a list of an older version has no counts."""
    if not Path(entry.name).is_file():
        return Summary(problem=f'There is no data file "{entry.name}"; put it back or remove it.')
    if entry.texts is not None:
        return Summary(entry.texts, entry.labels)
    return _summary(entry.name, entry.options, entry.model)


def _summary(name: str, options: DataOptions, model: str | None) -> Summary:
    return _read(name, options, data.architecture(model) if model else None)


@st.cache_resource(show_spinner="Reading the data", max_entries=64, ttl=300)
def _read(name: str, options: DataOptions, architecture: str | None) -> Summary:
    try:
        kind = "decoder" if architecture == "decoder" else None
        task = load_task(resolve_task(name, options, architecture=kind or "classifier"))
    except ParetoscopeError as error:
        return Summary(problem=without_folder(str(error)))
    return Summary(sum(len(task.splits[split]) for split in SPLITS), task.labels)
