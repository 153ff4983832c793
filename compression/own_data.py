"""A person's own data file: CSV, TSV, Parquet or JSON lines with a text and a label column.

Only what has to be known to say what is wrong with a file is checked here, by line or row. Whether the labels fit
a model is `labels.py`'s, whether there is enough for four splits `tasks.py`'s.
"""

from __future__ import annotations

import codecs
import csv
import io
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from encodings.aliases import aliases
from pathlib import Path
from typing import Any

from compression.errors import TaskError, did_you_mean
from compression.labels import Example

TEXT_COLUMNS = (
    ("text", "sentence", "content", "review", "question", "message", "document", "body", "comment")
    + ("tweet", "utterance", "query", "article", "description", "headline", "title", "prompt", "input")
)
LABEL_COLUMNS = (
    ("label_text", "label_name", "label", "labels", "class", "category", "target", "sentiment", "topic", "intent")
    + ("coarse_label", "class_name", "spam", "rating", "stars", "tag", "y", "output")
)
"""Common names, the likelier first. Classes by name come before classes by number."""
_INTEGER = re.compile(r"[+-]?\d+(\.0+)?")
# A long document is longer than the 128 KiB that the csv module takes for one field by default.
csv.field_size_limit(2**31 - 1)


@dataclass(frozen=True)
class Table:
    """Columns by name, each as long as `places`, which says where a row stands in the file ("line 7")."""

    columns: dict[str, list[Any]]
    places: list[str]


def read_own(path: Path, text_column: str | None, label_column: str | None, encoding: str) -> list[Example]:
    """Every example of a data file; columns that are not given are guessed from common names.

    Raises:
        TaskError: the file, a column, a text or a label is missing or cannot be read; says where.
    """
    table = _READERS[path.suffix.lower()](path, encoding)
    text_name = _column(table, text_column, TEXT_COLUMNS, "text", path)
    label_name = _column(table, label_column, LABEL_COLUMNS, "label", path)
    if text_name == label_name:
        raise TaskError(f'Text and label of "{path}" are both read from the column "{text_name}"; give two columns.')
    if not table.places:
        raise TaskError(f'"{path}" has columns but no rows; give a file with examples.')
    texts = _texts(table, text_name, path)
    labels = _labels(table, label_name, path)
    return [Example(text, label, place) for text, label, place in zip(texts, labels, table.places, strict=True)]


# --- files --------------------------------------------------------------------------------------------


def _read_csv(path: Path, encoding: str) -> Table:
    text = _decoded(path, encoding)
    header = text.partition("\n")[0]
    separator = "\t" if path.suffix.lower() == ".tsv" else max(",;\t|", key=header.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    rows: list[list[str]] = []
    places: list[str] = []
    line = 0
    try:
        for row in reader:
            line, start = reader.line_num, line + 1
            if not row:
                continue
            rows.append(row)
            places.append(f"line {start}")
            if len(row) != len(rows[0]):
                raise TaskError(
                    f'Line {start} of "{path}" has {len(row)} fields, but the header has {len(rows[0])}; put quotes around texts that hold "{separator}".'
                )
    except csv.Error as error:
        raise TaskError(f'"{path}" is not valid CSV after line {line}: {error}; check the quotes there.') from error
    if not rows:
        raise TaskError(f'"{path}" is empty; give a file with a header and examples.')
    names = [name.strip() for name in rows[0]]
    return Table({name: [row[place] for row in rows[1:]] for place, name in enumerate(names)}, places[1:])


def _read_jsonl(path: Path, encoding: str) -> Table:
    rows: list[dict[str, Any]] = []
    places: list[str] = []
    for number, line in enumerate(_decoded(path, encoding).split("\n"), start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise TaskError(f'Line {number} of "{path}" is not JSON: {error}; give one object a line.') from error
        if not isinstance(row, dict):
            raise TaskError(f'Line {number} of "{path}" is not a JSON object; give one such as {{"text": "...", "label": "..."}} a line.')
        rows.append(row)
        places.append(f"line {number}")
    if not rows:
        raise TaskError(f'"{path}" is empty; give a file with one JSON object a line.')
    names = dict.fromkeys(name for row in rows for name in row)
    return Table({name: [row.get(name) for row in rows] for name in names}, places)


def _read_parquet(path: Path, encoding: str) -> Table:
    """Parquet states its own encoding, so `encoding` is not used."""
    import pyarrow
    import pyarrow.parquet

    try:
        table: Any = pyarrow.parquet.ParquetFile(str(path)).read()
        columns: dict[str, list[Any]] = table.to_pydict()
    except (OSError, ValueError, pyarrow.ArrowException) as error:
        raise TaskError(f'"{path}" cannot be read as Parquet: {str(error).splitlines()[0]}; write it again or give CSV.') from error
    return Table(columns, [f"row {number}" for number in range(1, table.num_rows + 1)])


_READERS = {".csv": _read_csv, ".tsv": _read_csv, ".jsonl": _read_jsonl, ".ndjson": _read_jsonl, ".parquet": _read_parquet}


def _decoded(path: Path, encoding: str) -> str:
    """The file's text without a byte order mark; a wrong encoding is named with the byte where it fails."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise TaskError(f'"{path}" cannot be read: {error.strerror}.') from error
    try:
        return content.decode(encoding).removeprefix("\ufeff")
    except LookupError as error:
        raise TaskError(f'There is no text encoding "{encoding}"; {did_you_mean(encoding, {*aliases, "utf-8", "latin-1"})}'[:300]) from error
    except UnicodeError as error:
        place = f"byte {error.start} (0x{content[error.start]:02x})" if isinstance(error, UnicodeDecodeError) else "its bytes"
        raise TaskError(f'"{path}" is not {encoding}: {place} cannot be read; give another with --encoding, such as {_likely(content)}.') from error


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


# --- columns ------------------------------------------------------------------------------------------


def _column(table: Table, given: str | None, common: Sequence[str], role: str, path: Path) -> str:
    if given is not None:
        if given not in table.columns:
            raise TaskError(f'"{path}" has no column "{given}" for the {role}; {did_you_mean(given, table.columns)}')
        return given
    lower = {name.lower(): name for name in reversed(table.columns)}
    for name in common:
        if name in lower:
            return lower[name]
    columns = ", ".join(table.columns)
    raise TaskError(f'"{path}" has no column with a usual name for the {role}; its columns are: {columns}. Name one with --{role}-column.')


def _texts(table: Table, name: str, path: Path) -> list[str]:
    texts = table.columns[name]
    for text, place in zip(texts, table.places, strict=True):
        if text is not None and not isinstance(text, str):
            raise TaskError(f'The column "{name}" of "{path}" holds no text but {type(text).__name__} in {place}; name the text with --text-column.')
    empty = [place for text, place in zip(texts, table.places, strict=True) if not (text or "").strip()]
    if empty:
        count = "1 text is" if len(empty) == 1 else f"{len(empty)} texts are"
        raise TaskError(f'{count} empty in the column "{name}" of "{path}", the first in {empty[0]}; fill or remove such rows.')
    return texts


def _labels(table: Table, name: str, path: Path) -> list[str | int]:
    """Labels as integers when all of them are whole numbers, else as names."""
    labels = table.columns[name]
    for label, place in zip(labels, table.places, strict=True):
        if label is None or not str(label).strip():
            raise TaskError(f'The label is missing in the column "{name}" of "{path}", {place}; fill or remove such rows.')
        if not isinstance(label, str | int | float):
            raise TaskError(f'The column "{name}" of "{path}" holds {type(label).__name__} in {place}, but an example has one label: a name or an integer.')
    texts = [str(int(label)) if isinstance(label, bool) else str(label).strip() for label in labels]
    if all(_INTEGER.fullmatch(text) for text in texts):
        return [int(text.partition(".")[0]) for text in texts]
    return list(texts)
