"""File formats of data files: CSV, TSV, JSON lines, Parquet and TXT, read as columns.

Only the structure of a file is checked here; its texts and labels are checked in `tasks/files.py`.
Quotes and delimiters are in `tasks/delimited.py`.
"""

from __future__ import annotations

import codecs
import importlib
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import compress
from pathlib import Path
from typing import Any, cast

from paretoscope.errors import Problems, TaskError
from paretoscope.tasks.columns import Choose
from paretoscope.tasks.delimited import read_delimited

READING_VERSION = "2"
"""Part of the key of every data file; increment it when the rows of a file are read differently."""
DELIMITED = (".csv", ".tsv")
MANY_NULS = 0.1
"""Share of NUL bytes from which on a file is UTF-16 or UTF-32 rather than text with a NUL."""


@dataclass(frozen=True)
class Table:
    """The chosen columns, and `places`, the location of each row in the file ("line 7").

    `others` are all further columns by name; those of Parquet only if they hold text or integers.
    `notes` say how the file was read where it could be read otherwise.
    """

    columns: list[list[Any]]
    places: list[str]
    others: Mapping[str, list[Any]] = field(default_factory=dict[str, list[Any]])
    notes: tuple[str, ...] = ()

    def only(self, kept: Sequence[bool]) -> Table:
        """The rows for which `kept` is True."""

        def of(values: Sequence[Any]) -> list[Any]:
            return list(compress(values, kept))

        others = {name: of(values) for name, values in self.others.items()}
        return Table([of(each) for each in self.columns], of(self.places), others, self.notes)


def read_table(
    path: Path,
    encoding: str,
    choose: Choose,
    problems: Problems,
    delimiter: str | None = None,
) -> Table:
    """The columns of a file; `choose` selects those in `columns`.

    `delimiter` is for CSV and TSV files; None: that of the header (`read_delimited`). Rows that
    cannot be read are added to `problems` and left out.

    Raises:
        TaskError: the file, its encoding or its columns cannot be used.
    """
    suffix = path.suffix.lower()
    if delimiter and suffix in DELIMITED:
        table = _read_csv(path, encoding, choose, problems, delimiter)
    else:
        table = _READERS[suffix](path, encoding, choose, problems)
    if not table.places:
        problems.check()
        raise TaskError(f'"{path}" has columns but no rows; give a file with examples.')
    return table


# --- formats --------------------------------------------------------------------------------------


def _read_csv(
    path: Path,
    encoding: str,
    choose: Choose,
    problems: Problems,
    delimiter: str | None = None,
) -> Table:
    found = read_delimited(decoded(path, encoding), path.suffix.lower(), choose, delimiter)
    if not found.header:
        raise TaskError(f'"{path}" is empty; give a file with a header and examples.')
    for line, what in sorted(found.problems):
        problems.add(f"line {line}", what)
    names = found.header
    chosen = choose(names)
    columns = {
        name: [row.fields[index] for row in found.rows]
        for index, name in reversed(list(enumerate(names)))
    }
    return Table(
        [columns.pop(name) for name in chosen],
        [f"line {row.line}" for row in found.rows],
        columns,
        found.notes,
    )


def _read_jsonl(path: Path, encoding: str, choose: Choose, problems: Problems) -> Table:
    rows: list[dict[str, Any]] = []
    places: list[str] = []
    content = decoded(path, encoding)
    if content.lstrip().startswith("[") and content.rstrip().endswith("]"):
        raise TaskError(
            f'"{path}" is one JSON array, not JSON lines; write one object per line, with pandas'
            ' `to_json(path, orient="records", lines=True)`.'
        )
    for number, line in enumerate(content.split("\n"), start=1):
        if line.strip() and (row := _json_row(line, f"line {number}", problems)) is not None:
            rows.append(row)
            places.append(f"line {number}")
    if not rows:
        problems.check()
        raise TaskError(f'"{path}" is empty; give a file with one JSON object per line.')
    names = list(dict.fromkeys(name for row in rows for name in row))
    chosen = choose(names)
    others = {name: [row.get(name) for row in rows] for name in names if name not in chosen}
    return Table([[row.get(name) for row in rows] for name in chosen], places, others)


class _Repeated(dict[str, Any]):
    """A JSON object in which a name occurs twice: `name`."""

    name = ""


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) == len(pairs):
        return found
    names = [name for name, _ in pairs]
    repeated = _Repeated(pairs)
    repeated.name = next(name for name in names if names.count(name) > 1)
    return repeated


def _json_row(line: str, place: str, problems: Problems) -> dict[str, Any] | None:
    try:
        row = json.loads(line, object_pairs_hook=_object)
    except json.JSONDecodeError as error:
        problems.add(
            place, f"not JSON ({error.msg[0].lower()}{error.msg[1:]}); write one object per line."
        )
    except (ValueError, RecursionError) as error:
        problems.add(place, f"not JSON: {error}; write one object per line.")
    else:
        if not isinstance(row, dict):
            problems.add(
                place,
                'not a JSON object; write one per line, such as {"text": "...", "label": "..."}.',
            )
        elif isinstance(row, _Repeated):
            problems.add(place, f'the name "{row.name}" occurs twice; keep one of them.')
        else:
            return cast(dict[str, Any], row)
    return None


def _read_parquet(path: Path, _encoding: str, choose: Choose, _problems: Problems) -> Table:
    """The chosen columns, and those of text or integers. Parquet files state their encoding."""
    parquet: Any = importlib.import_module("pyarrow.parquet")
    try:
        with parquet.ParquetFile(str(path)) as file:
            names: list[str] = file.schema_arrow.names
            chosen = choose(names)
            others = [
                name
                for name, kind in zip(names, file.schema_arrow.types, strict=True)
                if name not in chosen and names.count(name) == 1 and _is_simple(kind)
            ]
            columns: dict[str, list[Any]] = file.read(columns=[*chosen, *others]).to_pydict()
    except (OSError, ValueError, NotImplementedError) as error:
        raise TaskError(
            f'"{path}" cannot be read as Parquet: {str(error).splitlines()[0].rstrip(".")}; write'
            " it again or give CSV."
        ) from error
    count = len(columns[chosen[0]])
    return Table(
        [columns[name] for name in chosen],
        [f"row {number}" for number in range(1, count + 1)],
        {name: columns[name] for name in others},
    )


def _is_simple(kind: Any) -> bool:
    """Whether a column of this Arrow type holds text or integers, also in a dictionary."""
    name = str(getattr(kind, "value_type", kind) if "dictionary" in str(kind) else kind)
    return name in ("string", "large_string", "string_view") or "int" in name.partition("<")[0]


def _read_txt(path: Path, encoding: str, _choose: Choose, _problems: Problems) -> Table:
    """Documents are separated by blank lines; line breaks within a document are kept."""
    texts: list[str] = []
    places: list[str] = []
    start = True
    for number, line in enumerate(split_lines(decoded(path, encoding)), start=1):
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


def split_lines(content: str) -> list[str]:
    """The lines of a file. `str.splitlines` also splits at characters that occur in texts.

    >>> split_lines("one\\u2028still one\\r\\ntwo")
    ['one\\u2028still one', 'two']
    """
    return re.split(r"\r\n|\r|\n", content)


_READERS: dict[str, Callable[[Path, str, Choose, Problems], Table]] = {
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
        text = content.decode(encoding).removeprefix("\ufeff")
    except UnicodeError as error:
        part = "its content"
        if isinstance(error, UnicodeDecodeError):
            part = f"byte {error.start} (0x{content[error.start]:02x})"
        raise TaskError(
            f'"{path}" is not {encoding}: {part} cannot be decoded; choose another encoding with'
            f" --encoding, such as {likely_encoding(content)}."
        ) from error
    except (LookupError, ValueError) as error:
        raise TaskError(
            f'There is no text encoding "{encoding}"; set one that Python supports, such as utf-8,'
            " latin-1, cp1252 or utf-16."
        ) from error
    if text.count("\0") > MANY_NULS * len(text):
        raise TaskError(
            f'"{path}" is not {encoding}: it has {text.count(chr(0)):,} NUL characters; choose'
            f" another encoding with --encoding, such as {likely_encoding(content)}."
        )
    return text


def likely_encoding(content: bytes) -> str:
    """The encoding that a byte order mark or NUL bytes indicate, else one that decodes the content.

    >>> likely_encoding("text".encode("utf-16")), likely_encoding(b"caf\\xe9")
    ('utf-16', 'latin-1')
    >>> likely_encoding("text".encode("utf-16-le"))
    'utf-16-le'
    """
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    if 3 * content.count(0) > len(content):
        return "utf-16-le" if content[1::2].count(0) > content[::2].count(0) else "utf-16-be"
    try:
        content.decode("utf-8")
    except UnicodeDecodeError:
        return "latin-1"
    return "utf-8"
