"""The first look at a data file: its columns, first rows, encoding and delimiter, and which column
is probably the text, the label and the split.

Nothing is refused here that another encoding or column could put right; `tasks/files.py` checks the
rows with the chosen options.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from paretoscope.errors import Problems, TaskError
from paretoscope.tasks.columns import common_columns
from paretoscope.tasks.delimited import likely_delimiter
from paretoscope.tasks.given import unused_split_column
from paretoscope.tasks.ref import DataOptions
from paretoscope.tasks.tables import DELIMITED, decoded, likely_encoding, read_table

HEAD = 5
"""Rows of the preview."""
MOST_LABELS = 200
"""Most values of a column that is guessed to hold labels."""


@dataclass(frozen=True)
class Column:
    """A column: how many rows have a value, and how many different values there are."""

    name: str
    filled: int
    values: int
    characters: float
    """Mean length of its values as text."""


@dataclass(frozen=True)
class Preview:
    """What a data file holds. `delimiter` is None for formats without one.

    `head` are the first rows by column; `text`, `label` and `split` are the guessed columns, None
    if there is none.
    """

    encoding: str
    delimiter: str | None
    rows: int
    columns: tuple[Column, ...]
    head: tuple[Mapping[str, Any], ...]
    text: str | None
    label: str | None
    split: str | None
    chosen_delimiter: str | None = None
    """The delimiter that was given; None if it was detected."""
    problems: str | None = None
    """Rows that cannot be read, in words."""

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(column.name for column in self.columns)

    def options(self, text: str | None, label: str | None) -> DataOptions:
        """The options that read these columns, without those that apply by default."""
        usual_text, usual_label = common_columns(self.names)
        return DataOptions(
            text_column=None if text == usual_text else text,
            label_column=None if label == usual_label else label,
            encoding=self.encoding,
            delimiter=self.chosen_delimiter,
        )


def preview(path: Path, encoding: str | None = None, delimiter: str | None = None) -> Preview:
    """Read a data file of any supported format; encoding and delimiter are detected if None.

    Raises:
        TaskError: the file cannot be read at all, with this encoding or in this format.
    """
    encoding = encoding or _encoding(path)
    suffix = path.suffix.lower()
    found_delimiter = _delimiter(path, encoding) if suffix in DELIMITED else None
    problems = Problems(f'"{path}"', TaskError)
    values, rows = _values(path, encoding, delimiter, problems)
    columns = tuple(_column(name, found) for name, found in values.items())
    text, label = _guess(columns)
    return Preview(
        encoding,
        delimiter or found_delimiter,
        rows,
        columns,
        tuple(
            {name: found[row] for name, found in values.items()} for row in range(min(HEAD, rows))
        ),
        text,
        None if suffix == ".txt" else label,
        unused_split_column(values),
        delimiter if suffix in DELIMITED else None,
        str(problems.error()) if problems else None,
    )


def _values(
    path: Path, encoding: str, delimiter: str | None, problems: Problems
) -> tuple[Mapping[str, Sequence[Any]], int]:
    """All columns by name in the order of the file, and the number of rows."""
    names: list[str] = []

    def choose(found: Sequence[str]) -> tuple[str, ...]:
        names.extend(found)
        return tuple(found[:1])

    table = read_table(path, encoding, choose, problems, delimiter)
    first, *rest = names or ["text"]
    values = {first: table.columns[0]}
    values |= {name: table.others[name] for name in rest if name in table.others}
    return values, len(table.places)


def _encoding(path: Path) -> str:
    if path.suffix.lower() == ".parquet":
        return "utf-8"
    try:
        found = likely_encoding(path.read_bytes())
    except OSError as error:
        raise TaskError(
            f'"{path}" cannot be read: {error.strerror}; check its path and permissions.'
        ) from error
    if found != "latin-1":
        return found
    try:  # the same letters, and the quotes and dashes of Windows
        decoded(path, "cp1252")
    except TaskError:
        return found
    return "cp1252"


def _delimiter(path: Path, encoding: str) -> str:
    lines = decoded(path, encoding).splitlines()
    return likely_delimiter(next(filter(str.strip, lines), ""), path.suffix.lower())


def _column(name: str, values: Sequence[Any]) -> Column:
    texts = [text for value in values if value is not None and (text := str(value).strip())]
    mean = sum(map(len, texts)) / len(texts) if texts else 0.0
    return Column(name, len(texts), len(set(texts)), mean)


def _guess(columns: Sequence[Column]) -> tuple[str | None, str | None]:
    """Text and label column: by their names, else the longest texts and the fewest values."""
    text, label = common_columns([column.name for column in columns])
    if text is None or text == label:
        rest = [column for column in columns if column.name != label]
        longest = max(rest, key=lambda column: column.characters, default=None)
        text = longest.name if longest else None
    if label is None:
        candidates = [
            column
            for column in columns
            if column.name != text and 2 <= column.values <= min(MOST_LABELS, column.filled // 2)
        ]
        fewest = min(candidates, key=lambda column: column.values, default=None)
        label = fewest.name if fewest else None
    return text, label
