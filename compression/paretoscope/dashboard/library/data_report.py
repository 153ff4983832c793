"""What the data holds for a model: labels and their rows, splits, lengths, and everything wrong."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import streamlit as st

from paretoscope.dashboard.library import label_table
from paretoscope.dashboard.library.label_table import Table
from paretoscope.dashboard.library.wording import counted, without_folder
from paretoscope.dashboard.parts import runs
from paretoscope.dashboard.shell.error_card import error_card
from paretoscope.errors import ParetoscopeError
from paretoscope.keys import short_key
from paretoscope.sources.ref import ModelRef
from paretoscope.tasks.load import load_task
from paretoscope.tasks.ref import DataOptions
from paretoscope.tasks.resolve import resolve_task
from paretoscope.tasks.splits import SPLITS, Indices, Task
from paretoscope.tasks.tokens import encode

READING = "Reading the data: splits, duplicates, leaks"
COUNTED = 2000
"""Texts that are tokenized for the share of truncated ones."""
LENGTHS = (32, 64, 128, 256, 384, 512)
ROW_PIXELS = 35


def draw(ref: ModelRef, name: str, options: DataOptions) -> DataOptions | None:
    """The report, and the options with the order of labels and the length that were picked.

    None if the data cannot be used with the model; the page says why.
    """
    table: Table | None = None
    try:
        with st.spinner(READING):
            table = label_table.find(ref, name, options)
        if table:
            options = options.model_copy(update={"labels": label_table.draw(name, table)})
        with st.spinner(READING):
            task = load(ref, name, options)
    except ParetoscopeError as error:
        error_card(without_folder(str(error)), "The data cannot be used yet.")
        return None
    _splits(task)
    if task.labels:
        _labels(ref, task)
    options = options.model_copy(update={"max_length": _length(ref, name, task)})
    runs.notes(task.notes)
    return options


def load(ref: ModelRef, name: str, options: DataOptions) -> Task:
    """The data as a trial would read it; raises `TaskError` with all problems."""
    return load_task(resolve_task(name, options, architecture=ref.architecture), ref.outputs)


def _splits(task: Task) -> None:
    what = "text" if task.labels else "document"
    sizes = " · ".join(f"{split} {len(task.splits[split]):,}" for split in SPLITS)
    total = sum(len(task.splits[split]) for split in SPLITS)
    removed = task.duplicates + task.conflicts
    gone = f" after {counted(removed, 'duplicate')} were removed" if removed else ""
    st.markdown(f"**{counted(total, f'different {what}')}**{gone}: {sizes}")
    if len(task.unlabelled):
        st.caption(f"{counted(len(task.unlabelled), 'unlabelled text')} for training.")


def _labels(ref: ModelRef, task: Task) -> None:
    """A row an output: its name, its label in the data, and its rows in each split, as bars."""
    sizes = {split: task.splits[split].class_sizes() for split in SPLITS}
    outputs = ref.outputs or task.labels
    rows: list[dict[str, Any]] = [
        {
            "output": f"{index}: {output}",
            "label": label,
            "rows": sum(sizes[split][label] for split in SPLITS),
            **{split: sizes[split][label] for split in SPLITS},
        }
        for index, (output, label) in enumerate(zip(outputs, task.labels, strict=True))
    ]
    most = max(row["rows"] for row in rows)
    config = {
        "output": "Model output",
        "label": "Label in the data",
        "rows": st.column_config.ProgressColumn(
            "Texts", format="%d", min_value=0, max_value=int(most)
        ),
        **{split: st.column_config.NumberColumn(split.capitalize()) for split in SPLITS},
    }
    st.dataframe(  # pyright: ignore[reportUnknownMemberType] - its data may be of many libraries
        rows,
        hide_index=True,
        column_config=config,
        height=min(40 + ROW_PIXELS * len(rows), 300),
        alt="Texts of each label by split",
    )


def _length(ref: ModelRef, name: str, task: Task) -> int | None:
    """The maximum length, with the share of texts that each choice truncates."""
    if not task.labels:
        return None
    most = min(filter(None, (task.max_length, ref.max_tokens)), default=None)
    tokens = _token_counts(ref.path, task.key, tuple(task.splits["validation"].texts[:COUNTED]))
    choices = [None, *(length for length in LENGTHS if most is None or length < most)]

    def words(length: int | None) -> str:
        shown = f"{length} tokens" if length else f"{most or 'no'} tokens (the model's maximum)"
        if most is None and length is None:
            shown = "whole texts"
        limit = length or most
        if tokens is None or limit is None:
            return shown
        return f"{shown}: {100 * _share(tokens, limit):.1f} % of texts truncated"

    chosen = st.selectbox(
        "Maximum length",
        choices,
        key=f"bring_length_{short_key(name)}",
        format_func=words,
        width=420,
        help="A lower one is faster. Longer texts are cut at the end.",
    )
    if tokens is not None and len(tokens):
        st.caption(
            f"Half of the texts have up to {np.median(tokens):.0f} tokens, the longest"
            f" {tokens.max():,} ({counted(len(tokens), 'validation text')} counted)."
        )
    return chosen


def _share(tokens: Indices, limit: int) -> float:
    """The share of texts with more than `limit` tokens."""
    return int(np.count_nonzero(tokens > limit)) / max(1, len(tokens))


@st.cache_resource(show_spinner="Counting tokens", max_entries=8)
def _token_counts(folder: str | None, key: str, _texts: tuple[str, ...]) -> Indices | None:
    """Tokens of each text, not truncated; None without a tokenizer.json."""
    path = Path(folder or "") / "tokenizer.json"
    if not folder or not path.is_file():
        return None
    try:
        return np.array([len(ids) for ids in encode(path, _texts, None)], dtype=np.int64)
    except ParetoscopeError:
        return None
