"""Where a person's texts come from: a field, a pasted list, or a file with a column of texts."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import streamlit as st

from paretoscope.dashboard.shell.error_card import error_card
from paretoscope.errors import ParetoscopeError, TaskError
from paretoscope.tasks.columns import TEXT_COLUMNS
from paretoscope.tasks.delimited import read_delimited
from paretoscope.trials.format import listed

TEXT = "asked"
"""Key of the text field."""
SOURCE, LIST, FILE, COLUMN, GO = "texts_from", "text_list", "text_file", "text_column", "answer"
ONE, MANY, UPLOAD = "one text", "list", "file"
MOST_TEXTS, MOST_CHARACTERS, MOST_BYTES = 1000, 4000, 1_000_000
SUFFIXES = ("csv", "tsv", "txt")
LIMITS = (
    f"At most {MOST_TEXTS:,} texts of {MOST_CHARACTERS:,} characters and"
    f" {MOST_BYTES / 1e6:g} MB in all."
)


class Texts(NamedTuple):
    """The texts to answer, and whether a person requested it in this run."""

    texts: tuple[str, ...]
    requested: bool


def draw(*, disabled: bool) -> Texts:
    """The source, its field and the button; a single text is answered on Enter."""
    source = st.segmented_control(
        "Texts from",
        [ONE, MANY, UPLOAD],
        default=ONE,
        required=True,
        key=SOURCE,
        disabled=disabled,
        label_visibility="collapsed",
    )
    if source == ONE:
        return _one(disabled)
    try:
        texts = _list(disabled) if source == MANY else _file(disabled)
        found = checked(texts)
    except ParetoscopeError as error:
        error_card(error)
        found = ()
    count = f"{len(found):,} text{'' if len(found) == 1 else 's'}"
    pressed = st.button(
        f"Answer {count}",
        type="primary",
        icon=":material/play_arrow:",
        key=GO,
        disabled=disabled or not found,
        help=None if found else "Enter or upload texts first.",
    )
    return Texts(found, pressed)


def _one(disabled: bool) -> Texts:
    text = st.text_input(
        "Text",
        key=TEXT,
        placeholder="No model is on this disk" if disabled else "Type a text and press Enter",
        max_chars=MOST_CHARACTERS,
        disabled=disabled,
    ).strip()
    return Texts((text,) if text and not disabled else (), True)


def _list(disabled: bool) -> list[str]:
    pasted = st.text_area(
        "Texts, one per line", key=LIST, height=140, disabled=disabled, help=LIMITS
    )
    return pasted.splitlines()


def _file(disabled: bool) -> list[str]:
    uploaded: Any = st.file_uploader(
        "CSV, TSV or TXT file", SUFFIXES, key=FILE, disabled=disabled, help=LIMITS
    )
    st.caption(LIMITS)
    if uploaded is None:
        return []
    header, rows = read(uploaded.name, uploaded.getvalue())
    if not header:
        return [row[0] for row in rows]
    usual = next((name for name in TEXT_COLUMNS if name in header), header[0])
    column = st.selectbox("Column with the texts", header, header.index(usual), key=COLUMN)
    return [row[header.index(column)] for row in rows]


def read(name: str, content: bytes) -> tuple[list[str], list[list[str]]]:
    """The columns and rows of an uploaded file; a TXT file has no columns and a text a line.

    Raises `TaskError` when it is too large, not UTF-8, or a row has another number of fields.
    """
    if len(content) > MOST_BYTES:
        raise TaskError(
            f'"{name}" has {len(content) / 1e6:.1f} MB; upload a file of at most'
            f" {MOST_BYTES / 1e6:g} MB."
        )
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise TaskError(
            f'"{name}" is not UTF-8: byte {error.start} cannot be decoded; save it as UTF-8.'
        ) from error
    if Path(name).suffix.lower() == ".txt":
        return [], [[line] for line in text.splitlines()]
    found = read_delimited(text, Path(name).suffix.lower(), lambda names: tuple(names[:1]))
    if found.problems:
        line, what = found.problems[0]
        raise TaskError(f'Line {line} of "{name}" cannot be read: {what}')
    return found.header, [record.fields for record in found.rows]


def checked(texts: list[str]) -> tuple[str, ...]:
    """The texts that are not empty; raises `TaskError` beyond the limits.

    >>> checked([" a ", "", "b"])
    ('a', 'b')
    """
    found = tuple(text.strip() for text in texts if text.strip())
    longest = max((len(text) for text in found), default=0)
    size = sum(len(text.encode()) for text in found)
    problems = [
        f"{len(found):,} texts" if len(found) > MOST_TEXTS else "",
        f"a text of {longest:,} characters" if longest > MOST_CHARACTERS else "",
        f"{size / 1e6:.1f} MB" if size > MOST_BYTES else "",
    ]
    if any(problems):
        raise TaskError(f"There are {listed([each for each in problems if each])}. {LIMITS}")
    return found
