"""A person's own data file: CSV, TSV, Parquet or JSON lines with a text and a label column; the
text alone, or plain TXT, for prose.

Only what has to be known to say what is wrong with a file is checked here, by line or row. Whether
the labels fit a model is `tasks/labels.py`'s, whether there is enough for four splits
`tasks/load.py`'s.
"""

from __future__ import annotations

import codecs
import csv
import importlib
import io
import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from paretoscope.errors import TaskError, did_you_mean
from paretoscope.tasks.labels import Example

TEXT_COLUMNS = (
    "text sentence content review question message document body comment tweet utterance query"
    " article description headline title prompt input"
).split()
LABEL_COLUMNS = (
    "label_text label_name label labels class category target sentiment topic intent coarse_label"
    " class_name spam rating stars tag y output"
).split()
"""Common names, the likelier first. Classes by name come before classes by number."""
_INTEGER = re.compile(r"[+-]?\d+(\.0+)?")
# A long document is longer than the 128 KiB that the csv module takes for one field by default.
csv.field_size_limit(2**31 - 1)


@dataclass(frozen=True)
class Table:
    """The columns that were chosen, each as long as `places`, which says where a row stands ("line
    7").
    """

    columns: list[list[Any]]
    places: list[str]


Choose = Callable[[Sequence[str]], tuple[str, ...]]
"""From the names of all columns to those that are wanted."""


def read_own(
    path: Path, text_column: str | None, label_column: str | None, encoding: str
) -> list[Example]:
    """Every example of a data file; columns that are not given are guessed from common names.

    Raises:
        TaskError: the file, a column, a text or a label is missing or cannot be read; says where.
    """

    def choose(names: Sequence[str]) -> tuple[str, ...]:
        chosen = (
            _column(names, text_column, TEXT_COLUMNS, "text", path),
            _column(names, label_column, LABEL_COLUMNS, "label", path),
        )
        if chosen[0] == chosen[1]:
            raise TaskError(
                f'Text and label of "{path}" are both read from the column "{chosen[0]}"; give two'
                " columns."
            )
        return chosen

    table = _read(path, encoding, choose)
    texts, labels = table.columns
    _check_texts(texts, table.places, path)
    named = _labels(labels, table.places, path)
    return [
        Example(text, label, place)
        for text, label, place in zip(texts, named, table.places, strict=True)
    ]


def read_texts(path: Path, text_column: str | None, encoding: str) -> list[Example]:
    """Every text of a data file, or every document of a TXT file, where blank lines part them; all
    with the label 0.

    Raises:
        TaskError: the file, the column or a text is missing or cannot be read; says where.
    """

    def choose(names: Sequence[str]) -> tuple[str, ...]:
        return (_column(names, text_column, TEXT_COLUMNS, "text", path),)

    table = _read(path, encoding, choose)
    _check_texts(table.columns[0], table.places, path)
    return [
        Example(text, 0, place) for text, place in zip(table.columns[0], table.places, strict=True)
    ]


def read_own_texts(path: Path, encoding: str) -> list[str]:
    """Texts without labels, to learn from with a teacher: those of a TXT file, one a line, or of
    the text column that a data file has.

    Raises:
        TaskError: the file or its text column is missing or cannot be read; says where.
    """
    if path.suffix.lower() != ".txt":
        return [example.text for example in read_texts(path, None, encoding)]
    texts = [line.strip() for line in _decoded(path, encoding).splitlines() if line.strip()]
    if not texts:
        raise TaskError(f'"{path}" is empty; give a file with a text a line.')
    return texts


def _read(path: Path, encoding: str, choose: Choose) -> Table:
    table = _READERS[path.suffix.lower()](path, encoding, choose)
    if not table.places:
        raise TaskError(f'"{path}" has columns but no rows; give a file with examples.')
    return table


# --- files ----------------------------------------------------------------------------------------


def _read_csv(path: Path, encoding: str, choose: Choose) -> Table:
    """Fields are split at the one of , ; tab | that the header has most of; quotes as in RFC 4180."""
    text = _decoded(path, encoding)
    header = re.split(r"[\r\n]", text, maxsplit=1)[0]
    separator = "\t" if path.suffix.lower() == ".tsv" else max(",;\t|", key=header.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    rows: list[list[str]] = []
    places: list[str] = []
    line = 0
    try:
        for row in reader:
            line, start = reader.line_num, line + 1
            if row:
                rows.append(row)
                places.append(f"line {start}")
    except csv.Error as error:
        raise TaskError(
            f'"{path}" is not valid CSV after line {line}: {error}; check the quotes there.'
        ) from error
    if not rows:
        raise TaskError(f'"{path}" is empty; give a file with a header and examples.')
    names = [name.strip() for name in rows.pop(0)]
    del places[0]
    for row, place in zip(rows, places, strict=True):
        if len(row) != len(names):
            raise TaskError(
                f'"{path}" has {len(row)} fields in {place}, but {len(names)} in its header; put'
                f' quotes around texts that hold "{separator}".'
            )
    chosen = [names.index(name) for name in choose(names)]
    return Table([[row[place] for row in rows] for place in chosen], places)


def _read_jsonl(path: Path, encoding: str, choose: Choose) -> Table:
    rows: list[dict[str, Any]] = []
    places: list[str] = []
    for number, line in enumerate(_decoded(path, encoding).split("\n"), start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise TaskError(
                f'Line {number} of "{path}" is not JSON: {error}; give one object a line.'
            ) from error
        if not isinstance(row, dict):
            raise TaskError(
                f'Line {number} of "{path}" is not a JSON object; give one such as {{"text": "...",'
                ' "label": "..."} a line.'
            )
        rows.append(cast(dict[str, Any], row))
        places.append(f"line {number}")
    if not rows:
        raise TaskError(f'"{path}" is empty; give a file with one JSON object a line.')
    chosen = choose(list(dict.fromkeys(name for row in rows for name in row)))
    return Table([[row.get(name) for row in rows] for name in chosen], places)


def _read_parquet(path: Path, encoding: str, choose: Choose) -> Table:
    """Only the chosen columns are read. Parquet states its own encoding, so `encoding` is not used."""
    parquet: Any = importlib.import_module("pyarrow.parquet")
    try:
        with parquet.ParquetFile(str(path)) as file:
            chosen = choose(file.schema_arrow.names)
            columns: dict[str, list[Any]] = file.read(columns=list(chosen)).to_pydict()
    except (OSError, ValueError, NotImplementedError) as error:
        raise TaskError(
            f'"{path}" cannot be read as Parquet: {str(error).splitlines()[0].rstrip(".")}; write'
            " it again or give CSV."
        ) from error
    return Table(
        [columns[name] for name in chosen],
        [f"row {number}" for number in range(1, len(columns[chosen[0]]) + 1)],
    )


def _read_txt(path: Path, encoding: str, choose: Choose) -> Table:
    """Documents are parted by blank lines; line breaks within one are those of the file."""
    texts: list[str] = []
    places: list[str] = []
    start = True
    for number, line in enumerate(_decoded(path, encoding).splitlines(), start=1):
        if not line.strip():
            start = True
        elif start:
            texts.append(line)
            places.append(f"line {number}")
            start = False
        else:
            texts[-1] += f"\n{line}"
    if not texts:
        raise TaskError(
            f'"{path}" is empty; give a file with documents, a blank line between them.'
        )
    return Table([texts], places)


_READERS: dict[str, Callable[[Path, str, Choose], Table]] = {
    ".csv": _read_csv,
    ".tsv": _read_csv,
    ".jsonl": _read_jsonl,
    ".ndjson": _read_jsonl,
    ".parquet": _read_parquet,
    ".txt": _read_txt,
}


def _decoded(path: Path, encoding: str) -> str:
    """The file's text without a byte order mark; a wrong encoding is named with the byte where it
    fails.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise TaskError(f'"{path}" cannot be read: {error.strerror}.') from error
    try:
        return content.decode(encoding).removeprefix("\ufeff")
    except UnicodeError as error:
        place = (
            f"byte {error.start} (0x{content[error.start]:02x})"
            if isinstance(error, UnicodeDecodeError)
            else "its content"
        )
        raise TaskError(
            f'"{path}" is not {encoding}: {place} cannot be read; give another with --encoding,'
            f" such as {_likely(content)}."
        ) from error
    except (LookupError, ValueError) as error:
        raise TaskError(
            f'There is no text encoding "{encoding}"; give one that Python knows, such as utf-8,'
            " latin-1, cp1252 or utf-16."
        ) from error


def _likely(content: bytes) -> str:
    """The encoding that a byte order mark tells, else one that can read any byte.

    >>> _likely("text".encode("utf-16")), _likely(b"caf\\xe9")
    ('utf-16', 'latin-1')
    """
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    try:
        content.decode("utf-8")
    except UnicodeDecodeError:
        return "latin-1"
    return "utf-8"


# --- columns --------------------------------------------------------------------------------------


def _column(
    names: Sequence[str], given: str | None, common: Sequence[str], role: str, path: Path
) -> str:
    if given is not None and given not in names:
        raise TaskError(
            f'"{path}" has no column "{given}" for the {role}; {did_you_mean(given, names)}'
        )
    lower = {name.lower(): name for name in reversed(names)}
    found = (
        given
        if given is not None
        else next((lower[name] for name in common if name in lower), None)
    )
    if found is None:
        known = (
            f'"{path}" has no column with a usual name for the {role}; its columns are:'
            f" {', '.join(names)}."
        )
        raise TaskError(f"{known} Choose the {role} column with --{role}-column.")
    if names.count(found) > 1:
        raise TaskError(
            f'"{path}" has {names.count(found)} columns named "{found}"; give each its own name.'
        )
    return found


def _check_texts(texts: Sequence[Any], places: Sequence[str], path: Path) -> None:
    empty: list[str] = []
    for text, place in zip(texts, places, strict=True):
        if text is not None and not isinstance(text, str):
            raise TaskError(
                f'The text of "{path}" in {place} is not text but {type(text).__name__}; name'
                " another column with --text-column."
            )
        if not _is_unicode(text or ""):
            raise TaskError(
                f'The text of "{path}" in {place} holds half of a surrogate pair, which is no'
                " character; write it again."
            )
        if not (text or "").strip():
            empty.append(place)
    if empty:
        count = "1 text" if len(empty) == 1 else f"{len(empty)} texts"
        raise TaskError(
            f'"{path}" has {count} without content, the first in {empty[0]}; fill or remove such'
            " rows."
        )


def _labels(labels: Sequence[Any], places: Sequence[str], path: Path) -> list[str | int]:
    """Labels as integers when all of them are whole numbers, else as names."""
    for label, place in zip(labels, places, strict=True):
        if label is None or not str(label).strip():
            raise TaskError(
                f'The label of "{path}" in {place} is missing; fill or remove such rows.'
            )
        if not isinstance(label, str | int | float) or not _is_unicode(str(label)):
            raise TaskError(
                f'The label of "{path}" in {place} is {type(label).__name__} {label!r:.40}, but has'
                " to be one name or one integer."
            )
    names = [str(int(label)) if isinstance(label, bool) else str(label).strip() for label in labels]
    if all(_INTEGER.fullmatch(name) for name in names):
        return [int(name.partition(".")[0]) for name in names]
    return list(names)


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
