"""Which label of the data each output of a model is, chosen where the names do not tell."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import streamlit as st

from paretoscope.dashboard.shell import data
from paretoscope.errors import ParetoscopeError, TaskError
from paretoscope.sources.resolve import resolve_model
from paretoscope.tasks.labels import GUESS
from paretoscope.tasks.load import load_task
from paretoscope.tasks.ref import DataOptions, TaskRef
from paretoscope.tasks.resolve import resolve_task

MAX_OUTPUTS = 30
"""Models with more outputs need `--labels` on the command line."""
ABOUT = "Label of each output. The order is a guess: correct it if the model was trained otherwise."
_COUNT = "own_labels_"
_GUESS = "own_guess_"


class Table(NamedTuple):
    """Names of the outputs, labels of the data, and the label that each output probably has.

    `guess` is empty where the data is refused unless the labels are set.
    """

    outputs: tuple[str, ...]
    labels: tuple[str, ...]
    guess: tuple[str, ...]


def draw(model: str, task: str, options: DataOptions) -> None:
    """A field for each output; nothing where the names of outputs and labels agree."""
    key = _key(model, task)
    table = _table(model, task, options)
    st.session_state[_COUNT + key] = len(table.outputs) if table else 0
    st.session_state[_GUESS + key] = table.guess if table else ()
    if table is None:
        return
    st.caption(ABOUT)
    shown = table.guess or table.labels
    with st.container(horizontal=True):
        for index, (output, guess) in enumerate(zip(table.outputs, shown, strict=True)):
            st.selectbox(
                f"{index}: {output}",
                table.labels,
                index=table.labels.index(guess),
                key=f"{key}_{index}",
                width=140,
            )


def chosen(model: str, task: str) -> tuple[str, ...] | None:
    """The labels in the fields in the order of the outputs.

    None if there are no fields, or if they show the guess: its warning stays on every result.
    """
    key = _key(model, task)
    count: int = st.session_state.get(_COUNT + key, 0)
    fields = [f"{key}_{index}" for index in range(count)]
    if not count or any(field not in st.session_state for field in fields):
        return None
    labels = tuple(st.session_state[field] for field in fields)
    return None if labels == st.session_state.get(_GUESS + key) else labels


def _key(model: str, task: str) -> str:
    return f"own_output_{model}\0{task}"


def _table(model: str, task: str, options: DataOptions) -> Table | None:
    """None if the labels match the outputs, or if model and data cannot be read yet."""
    known = model in {ref.name for ref in data.builtin_models()}
    if not known and not Path(model).expanduser().exists():
        return None  # a hub id is downloaded only when it is used
    try:
        outputs = resolve_model(model).outputs
        ref = resolve_task(task, options, architecture="classifier")
        labels = load_task(ref).labels
    except ParetoscopeError:
        return None
    if outputs is None or len(outputs) != len(labels) or len(outputs) > MAX_OUTPUTS:
        return None
    guess = _guess(ref, outputs)
    return Table(outputs, labels, guess) if guess is not None else None


def _guess(ref: TaskRef, outputs: tuple[str, ...]) -> tuple[str, ...] | None:
    """The guessed labels, none for labels that are refused, None if labels and outputs match."""
    try:
        found = load_task(ref, outputs)
    except TaskError:
        return ()
    return found.labels if found.label_rule == GUESS else None
