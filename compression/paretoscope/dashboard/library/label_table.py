"""Which label of the data each output of a model is, put in order where the names do not tell."""

from __future__ import annotations

from typing import NamedTuple

import streamlit as st

from paretoscope.errors import ParetoscopeError, TaskError
from paretoscope.keys import short_key
from paretoscope.sources.ref import ModelRef
from paretoscope.tasks.labels import GUESS
from paretoscope.tasks.load import load_task
from paretoscope.tasks.ref import DataOptions, TaskRef
from paretoscope.tasks.resolve import resolve_task

MAX_OUTPUTS = 30
"""Models with more outputs need `--labels` on the command line."""
GUESSED = "The order of the labels is a guess: correct it if the model was trained with another."
REFUSED = "The labels do not name the model's outputs: put them in the order of the outputs."
CONFIRM = "This is the order of the outputs"


class Table(NamedTuple):
    """Names of the outputs, and the labels of the data in the order that is shown first.

    `guessed` says whether that order is used unless it is changed; otherwise it must be confirmed.
    """

    outputs: tuple[str, ...]
    labels: tuple[str, ...]
    guessed: bool


def find(model: ModelRef, name: str, options: DataOptions) -> Table | None:
    """None if the labels match the outputs, or cannot: then loading the data says why."""
    outputs = model.outputs
    if outputs is None or len(outputs) > MAX_OUTPUTS:
        return None
    try:
        ref = resolve_task(name, options, architecture=model.architecture)
        if ref.kind == "builtin":
            return None
        labels = load_task(ref).labels
    except ParetoscopeError:
        return None
    return _table(ref, outputs, labels) if len(outputs) == len(labels) else None


def _table(ref: TaskRef, outputs: tuple[str, ...], labels: tuple[str, ...]) -> Table | None:
    try:
        found = load_task(ref, outputs)
    except TaskError:
        return Table(outputs, labels, guessed=False)
    return Table(outputs, found.labels, guessed=True) if found.label_rule == GUESS else None


def draw(name: str, table: Table) -> tuple[str, ...] | None:
    """The labels in the order of the outputs; None while it is the guess or is not confirmed.

    A guess that is not changed stays a guess: its warning is on every result.
    """
    key = _key(name, table)
    st.warning(GUESSED if table.guessed else REFUSED, icon=":material/swap_vert:")
    order: list[str] = st.session_state.setdefault(key, list(table.labels))
    with st.container(horizontal=True):
        for index, output in enumerate(table.outputs):
            field = f"{key}_{index}"
            st.session_state[field] = order[index]
            st.selectbox(
                f"{index}: {output}",
                table.labels,
                key=field,
                width=160,
                on_change=_swap,
                args=(key, index),
            )
    confirmed = table.guessed or st.toggle(CONFIRM, key=f"{key}_confirmed")
    changed = not table.guessed or tuple(order) != table.labels
    return tuple(order) if confirmed and changed else None


def _swap(key: str, index: int) -> None:
    """Callback: the label that was chosen and the one that was there change places."""
    order: list[str] = st.session_state[key]
    chosen: str = st.session_state[f"{key}_{index}"]
    other = order.index(chosen)
    order[index], order[other] = chosen, order[index]


def _key(name: str, table: Table) -> str:
    return f"bring_order_{short_key(name, *table.outputs, *table.labels)}"
