"""How a data file is read: its first rows, and the columns, encoding and delimiter to pick."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import streamlit as st

from paretoscope.dashboard.library.wording import counted, without_folder
from paretoscope.dashboard.shell.error_card import error_card
from paretoscope.errors import ParetoscopeError
from paretoscope.keys import short_key
from paretoscope.tasks.delimited import DELIMITERS
from paretoscope.tasks.preview import Column, Preview, preview
from paretoscope.tasks.ref import DataOptions
from paretoscope.tasks.tables import DELIMITED

ENCODINGS = "utf-8 cp1252 latin-1 utf-16 utf-16-le utf-16-be cp1251 shift_jis gb18030 big5".split()
CHARACTERS = {",": "comma  ,", ";": "semicolon  ;", "\t": "tab", "|": "bar  |"}
BY_HASH, NO_GROUP = "by the hash of the text", "none"
LONGEST_SHOWN = 160


def draw(path: str, *, labelled: bool) -> DataOptions | None:
    """The preview and the pickers; None if the file cannot be read, with the reason on the page.

    `labelled` is whether the model needs labels.
    """
    key = f"bring_{short_key(path)}"
    encoding, delimiter = _format(key)
    try:
        found = _preview(path, encoding, delimiter, _stamp(path))
    except ParetoscopeError as error:
        error_card(without_folder(str(error)), "The data cannot be read.")
        with st.container(horizontal=True):
            is_delimited = Path(path).suffix.lower() in DELIMITED
            _pick_format(encoding or "utf-8", (delimiter or ",") if is_delimited else None, key)
        return None
    if found.problems:
        error_card(without_folder(found.problems), "Some rows cannot be read.")
    options = _columns(found, key, labelled=labelled)
    st.caption(f"The first of {counted(found.rows, 'row')}")
    _table(found, options)
    return options


@st.cache_resource(show_spinner="Reading the data", max_entries=8)
def _preview(
    path: str, encoding: str | None, delimiter: str | None, _stamp: tuple[float, int]
) -> Preview:
    return preview(Path(path), encoding, delimiter)


def _stamp(path: str) -> tuple[float, int]:
    """Changes when the file does."""
    try:
        stat = Path(path).stat()
    except OSError:
        return 0.0, 0
    return stat.st_mtime, stat.st_size


def _format(key: str) -> tuple[str | None, str | None]:
    """Encoding and delimiter where they were changed; None where they are as detected."""
    encoding: str | None = st.session_state.get(f"{key}_encoding_kept")
    delimiter: str | None = st.session_state.get(f"{key}_delimiter_kept")
    return encoding, delimiter


def _columns(found: Preview, key: str, *, labelled: bool) -> DataOptions:
    columns = {column.name: column for column in found.columns}
    names = list(columns)
    is_text = len(names) == 1 and not labelled
    with st.container(horizontal=True):
        text = _pick("Text column", names, found.text, f"{key}_text", _with_counts(columns))
        others = [name for name in names if name != text]
        label = (
            _pick("Label column", others, found.label, f"{key}_label", _with_counts(columns))
            if labelled
            else None
        )
        rest = [name for name in others if name != label]
        split = None if is_text else _optional("Splits", rest, found.split, key, BY_HASH)
        group = None if is_text else _optional("Groups", rest, None, key, NO_GROUP)
        _pick_format(found.encoding, found.delimiter, key)
    options = found.options(text, label)
    missing = found.rows - columns[label].filled if label else 0
    drop = bool(missing) and st.toggle(
        f"Leave out {counted(missing, 'row')} without a label", True, key=f"{key}_drop"
    )
    more = {"split_column": split, "group_column": group, "drop_missing": drop}
    if is_text and found.delimiter is None:
        more["text_column"] = None
    return options.model_copy(update=more)


def _pick(
    label: str, names: Sequence[str], guess: str | None, key: str, words: Callable[[str], str]
) -> str | None:
    """A column; the guess is chosen first."""
    start = names.index(guess) if guess in names else None
    return st.selectbox(
        label, names, index=start, key=key, format_func=words, placeholder="Choose", width=220
    )


def _optional(
    label: str, names: Sequence[str], guess: str | None, key: str, without: str
) -> str | None:
    choices = [without, *names]
    start = choices.index(guess) if guess in choices else 0
    name = f"{key}_{label.lower()}"
    chosen = st.selectbox(label, choices, index=start, key=name, width=200)
    return None if chosen == without else chosen


def _pick_format(encoding: str, delimiter: str | None, key: str) -> None:
    """Encoding and delimiter, also of a file that cannot be read with the detected ones."""
    _kept("Encoding", _known(ENCODINGS, encoding), encoding, key)
    if delimiter:
        _kept("Delimiter", _known(list(DELIMITERS), delimiter), delimiter, key)


def _kept(label: str, choices: Sequence[str], found: str, key: str) -> None:
    """A picker of the format, which is read again with another choice."""
    name = f"{key}_{label.lower()}"

    def keep() -> None:
        st.session_state[f"{name}_kept"] = st.session_state[name]

    st.selectbox(
        label,
        choices,
        index=list(choices).index(found),
        key=name,
        format_func=_shown,
        on_change=keep,
        width=150,
    )


def _shown(each: str) -> str:
    return CHARACTERS.get(each, each)


def _known(usual: Sequence[str], found: str) -> list[str]:
    return list(dict.fromkeys([*usual, found]))


def _with_counts(columns: dict[str, Column]) -> Callable[[str], str]:
    """A column with the number of its different values."""
    return lambda name: f"{name} · {counted(columns[name].values, 'value')}"


def _table(found: Preview, options: DataOptions) -> None:
    """The first rows; the headers of text and label column say so."""
    text = options.text_column or found.text
    label = options.label_column or found.label
    config = {
        name: st.column_config.TextColumn(
            f"{name} (text)" if name == text else f"{name} (label)" if name == label else name,
            width="large" if name == text else None,
        )
        for name in found.names
    }
    rows = [
        {name: "" if value is None else str(value)[:LONGEST_SHOWN] for name, value in row.items()}
        for row in found.head
    ]
    st.dataframe(  # pyright: ignore[reportUnknownMemberType] - its data may be of many libraries
        rows, hide_index=True, column_config=config, alt="The first rows of the data"
    )
