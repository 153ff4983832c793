"""File formats of data files: CSV, TSV, JSON lines, Parquet and TXT, read as columns.

Only the structure of a file is checked here; its texts and labels are checked in `tasks/files.py`.
"""

from __future__ import annotations

import codecs
import csv
import importlib
import io
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from paretoscope.errors import TaskError
from paretoscope.tasks.columns import Choose

# Documents can be longer than 128 KiB, the csv module's default limit for a field.
csv.field_size_limit(2**31 - 1)


@dataclass(frozen=True)
class Table:
    """The chosen columns, and `places`, the location of each row in the file ("line 7")."""

    columns: list[list[Any]]
    places: list[str]


def read_table(path: Path, encoding: str, choose: Choose) -> Table:
    """The columns of a file that `choose` selects; raises `TaskError` for an unreadable file."""
    table = _READERS[path.suffix.lower()](path, encoding, choose)
    if not table.places:
        raise TaskError(f'"{path}" has columns but no rows; give a file with examples.')
    return table


# --- formats --------------------------------------------------------------------------------------


def _read_csv(path: Path, encoding: str, choose: Choose) -> Table:
    """The delimiter is the most frequent of , ; tab | in the header; quotes follow RFC 4180."""
    text = decoded(path, encoding)
    header = re.split(r"[\r\n]", text, maxsplit=1)[0]
    delimiter = "\t" if path.suffix.lower() == ".tsv" else max(",;\t|", key=header.count)
    rows, places = _csv_rows(text, delimiter, path)
    if not rows:
        raise TaskError(f'"{path}" is empty; give a file with a header and examples.')
    names = [name.strip() for name in rows.pop(0)]
    del places[0]
    for row, place in zip(rows, places, strict=True):
        if len(row) != len(names):
            raise TaskError(
                f'"{path}" has {len(row)} fields in {place}, but {len(names)} in its header; quote'
                f' texts that contain "{delimiter}".'
            )
    chosen = [names.index(name) for name in choose(names)]
    return Table([[row[index] for row in rows] for index in chosen], places)


def _csv_rows(text: str, delimiter: str, path: Path) -> tuple[list[list[str]], list[str]]:
    """Rows that are not empty, header included, and the line in which each begins."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
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
    return rows, places


def _read_jsonl(path: Path, encoding: str, choose: Choose) -> Table:
    rows: list[dict[str, Any]] = []
    places: list[str] = []
    for number, line in enumerate(decoded(path, encoding).split("\n"), start=1):
        if line.strip():
            rows.append(_json_row(line, number, path))
            places.append(f"line {number}")
    if not rows:
        raise TaskError(f'"{path}" is empty; give a file with one JSON object per line.')
    chosen = choose(list(dict.fromkeys(name for row in rows for name in row)))
    return Table([[row.get(name) for row in rows] for name in chosen], places)


def _json_row(line: str, number: int, path: Path) -> dict[str, Any]:
    try:
        row = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise TaskError(
            f'Line {number} of "{path}" is not JSON: {error}; write one object per line.'
        ) from error
    if not isinstance(row, dict):
        raise TaskError(
            f'Line {number} of "{path}" is not a JSON object; write one per line, such as'
            ' {"text": "...", "label": "..."}.'
        )
    return cast(dict[str, Any], row)


def _read_parquet(path: Path, _encoding: str, choose: Choose) -> Table:
    """Only the chosen columns are read. Parquet files state their own encoding."""
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
    count = len(columns[chosen[0]])
    return Table(
        [columns[name] for name in chosen], [f"row {number}" for number in range(1, count + 1)]
    )


def _read_txt(path: Path, encoding: str, _choose: Choose) -> Table:
    """Documents are separated by blank lines; line breaks within a document are kept."""
    texts: list[str] = []
    places: list[str] = []
    start = True
    for number, line in enumerate(decoded(path, encoding).splitlines(), start=1):
        if not line.strip():
            start = True
        elif start:
            texts.append(line)
            places.append(f"line {number}")
            start = False
        else:
            texts[-1] += f"\n{line}"
    if not texts:
        raise TaskError(f'"{path}" is empty; give a file with documents separated by blank lines.')
    return Table([texts], places)


_READERS: dict[str, Callable[[Path, str, Choose], Table]] = {
    ".csv": _read_csv,
    ".tsv": _read_csv,
    ".jsonl": _read_jsonl,
    ".ndjson": _read_jsonl,
    ".parquet": _read_parquet,
    ".txt": _read_txt,
}


# --- encodings ------------------------------------------------------------------------------------


def decoded(path: Path, encoding: str) -> str:
    """The text of a file without byte order mark; an error names the byte that is not decodable."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise TaskError(
            f'"{path}" cannot be read: {error.strerror}; check its path and permissions.'
        ) from error
    try:
        return content.decode(encoding).removeprefix("\ufeff")
    except UnicodeError as error:
        part = "its content"
        if isinstance(error, UnicodeDecodeError):
            part = f"byte {error.start} (0x{content[error.start]:02x})"
        raise TaskError(
            f'"{path}" is not {encoding}: {part} cannot be decoded; choose another encoding with'
            f" --encoding, such as {_likely_encoding(content)}."
        ) from error
    except (LookupError, ValueError) as error:
        raise TaskError(
            f'There is no text encoding "{encoding}"; set one that Python supports, such as utf-8,'
            " latin-1, cp1252 or utf-16."
        ) from error


def _likely_encoding(content: bytes) -> str:
    """The encoding that a byte order mark indicates, else one that decodes the content.

    >>> _likely_encoding("text".encode("utf-16")), _likely_encoding(b"caf\\xe9")
    ('utf-16', 'latin-1')
    """
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    try:
        content.decode("utf-8")
    except UnicodeDecodeError:
        return "latin-1"
    return "utf-8"
