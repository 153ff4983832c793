"""CSV and TSV files: rows as they were written, with quotes read in one of two ways.

In RFC 4180 a field that begins with a quote continues to the next single quote, across delimiters
and line ends. In many TSV files a quote is a character like any other, and reading those by the RFC
merges rows. Both readings are tried when a file has quotes; which one is used is decided in
`_chosen_reading`. A row is merged or split by neither: otherwise the file is refused with the line.
"""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from paretoscope.tasks.columns import Choose

# Documents can be longer than 128 KiB, the csv module's default limit for a field.
csv.field_size_limit(2**31 - 1)

DELIMITERS = ",;\t|"
FREQUENT = 3
"""How often a value of the label column is in lines that are all complete rows if it is a label."""
_SEPARATOR_LINE = re.compile(r'"?sep=(.)"?\s*', re.IGNORECASE)
"""A first line with which Excel states the delimiter."""
_RFC_FIELD = re.compile(r'"[^"]*(""[^"]*)+"')
"""A field in quotes with doubled quotes inside, which only RFC 4180 writes."""


class Record(NamedTuple):
    """One row: its fields, its first line (from 1) and its number of lines."""

    fields: list[str]
    line: int
    lines: int = 1


@dataclass
class Reading:
    """The header and rows of a file in one way of reading quotes, and what is wrong where."""

    header: list[str] = field(default_factory=list[str])
    rows: list[Record] = field(default_factory=list[Record])
    problems: list[tuple[int, str]] = field(default_factory=list[tuple[int, str]])
    notes: tuple[str, ...] = ()


def read_delimited(
    content: str, suffix: str, choose: Choose, delimiter: str | None = None
) -> Reading:
    """The rows of a file. A row with problems is in `problems` with its line, not in `rows`.

    `suffix` is ".tsv" for a file with tabs; without `delimiter` that of others is the most frequent
    of , ; tab | in the header. `choose` selects the text column, then the label column, if any: its
    values show whether a line inside a quoted field is a row.
    """
    lines = list(io.StringIO(content, newline=""))
    first = _next_filled(lines, 0)
    separator = _SEPARATOR_LINE.fullmatch(lines[first]) if first < len(lines) else None
    if separator:
        first = _next_filled(lines, first + 1)
    if first == len(lines):
        return Reading()
    stated = separator[1] if separator else likely_delimiter(lines[first], suffix)
    separated_by = delimiter or stated
    quoted = _reading(_quoted(lines, first, separated_by), separated_by)
    if len(quoted.header) == 1:
        quoted.problems += _mixed_ends(lines, quoted.rows)
    if '"' not in content or not quoted.header:
        return quoted
    plain = _reading(_plain(lines, first, separated_by), separated_by)
    return _chosen_reading(quoted, plain, separated_by, choose(quoted.header)[1:])


def likely_delimiter(header: str, suffix: str) -> str:
    """The delimiter of a file with this first line.

    >>> likely_delimiter('text;"a, b, c";label', ".csv")
    ';'
    """
    unquoted = re.sub(r'"[^"]*"', "", header)
    return "\t" if suffix == ".tsv" else max(DELIMITERS, key=unquoted.count)


def _next_filled(lines: Sequence[str], first: int) -> int:
    return next((at for at in range(first, len(lines)) if lines[at].strip()), len(lines))


def _mixed_ends(lines: Sequence[str], rows: Sequence[Record]) -> list[tuple[int, str]]:
    """Rows of one column that a carriage return ends although a line feed ends others."""
    if not any(line.endswith("\n") for line in lines):
        return []
    ends = [row.line + row.lines - 1 for row in rows]
    what = "the line ends with a carriage return, others with a line feed; use one line end."
    return [(end, what) for end in ends if lines[end - 1].endswith("\r")]


# --- two ways of reading --------------------------------------------------------------------------


def _quoted(lines: Sequence[str], first: int, delimiter: str) -> Iterator[Record | tuple[int, str]]:
    """Records by RFC 4180; after an error reading continues on the line after that of the error's
    row.
    """
    at = start = first

    def feed() -> Iterator[str]:
        nonlocal at
        while at < len(lines):
            at += 1
            yield lines[at - 1]

    reader = csv.reader(feed(), delimiter=delimiter, strict=True)
    while True:
        start = at
        try:
            fields = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            unclosed = "unexpected end of data" in str(error)
            reason = "a quote opens here and is never closed" if unclosed else str(error)
            yield start + 1, f"{reason}; double the quotes inside a quoted text, or remove them."
            at = start + 1
            reader = csv.reader(feed(), delimiter=delimiter, strict=True)
            continue
        if fields:
            yield Record(fields, start + 1, at - start)


def _plain(lines: Sequence[str], first: int, delimiter: str) -> Iterator[Record]:
    """Every line as one record, in which quotes are plain characters."""
    for at in range(first, len(lines)):
        if line := lines[at].rstrip("\r\n"):
            yield Record(line.split(delimiter), at + 1)


def _reading(records: Iterator[Record | tuple[int, str]], delimiter: str) -> Reading:
    """Header and rows; empty names at the end of a header, and empty fields there, are dropped."""
    found = Reading()
    named = f'"{delimiter}"' if delimiter != "\t" else "tabs"
    for record in records:
        if not isinstance(record, Record):
            found.problems.append(record)
        elif not found.header:
            found.header = [name.strip() for name in record.fields]
            while len(found.header) > 1 and not found.header[-1]:
                del found.header[-1]
        elif len(record.fields) < (count := len(found.header)) or any(
            map(str.strip, record.fields[count:])
        ):
            found.problems.append(
                (
                    record.line,
                    f"{len(record.fields)} fields, but {count} in the header; quote texts that"
                    f" contain {named}.",
                )
            )
        else:
            found.rows.append(record._replace(fields=record.fields[:count]))
    return found


# --- which of the two -----------------------------------------------------------------------------


def _chosen_reading(
    quoted: Reading, plain: Reading, delimiter: str, labels: Sequence[str]
) -> Reading:
    """By RFC 4180 unless that is not valid or merges lines that are rows; then with plain quotes.

    Where neither reading is certain, the lines become problems.
    """
    several = [row for row in quoted.rows if row.lines > 1]
    prose_in_lines = delimiter == "\t" and not labels and not plain.problems
    merged = several if prose_in_lines else _merged(quoted, plain, several, labels)
    if len(quoted.header) == 1:
        merged = []
    if len(quoted.header) == 1 and several:
        quoted.notes = (_several_lines(several),)
    if not quoted.problems and not merged:
        return quoted
    if not plain.problems and _may_be_plain(quoted, plain, delimiter, labels):
        plain.notes = (
            "Quotes are read as plain characters, because lines would be merged or unreadable"
            " if quotes enclosed texts.",
        )
        return plain
    quoted.problems += [
        (
            row.line,
            f"a quote opens here and closes in line {row.line + row.lines - 1}, but the lines"
            " between look like rows; double the quote or remove it.",
        )
        for row in merged
    ]
    fewer_plain = delimiter == "\t" and len(plain.problems) < len(quoted.problems)
    return plain if fewer_plain and plain.problems else quoted


def _several_lines(rows: Sequence[Record]) -> str:
    first = rows[0]
    texts = "1 text in quotes has" if len(rows) == 1 else f"{len(rows):,} texts in quotes have"
    return (
        f"{texts} several lines, the first in lines {first.line} to {first.line + first.lines - 1}."
    )


def _merged(
    quoted: Reading, plain: Reading, several: Sequence[Record], labels: Sequence[str]
) -> list[Record]:
    """Those of the rows of several lines whose lines are probably rows that a stray quote merges.

    A line is a row if it has as many fields as the header and a label that other rows have. Without
    a label column all other columns are compared.
    """
    count = len(quoted.header)
    by_line = {row.line: row.fields for row in plain.rows}
    columns = [index for index, name in enumerate(quoted.header) if name in labels]
    known = {
        index: {row.fields[index].strip() for row in quoted.rows}
        for index in columns or range(count)
    }
    if not plain.problems:
        for index in columns:
            values = Counter(row.fields[index].strip(' "') for row in plain.rows)
            known[index] |= {value for value, times in values.items() if times >= FREQUENT}
    for values in known.values():
        values.discard("")

    def fits(line: int) -> bool:
        fields = by_line.get(line)
        if fields is None:
            return False
        matches = [fields[index].strip(' "') in known[index] for index in known]
        # without labels one column is the text, which is in no other row
        return all(matches) if columns else sum(matches) >= count - 1

    def looks_merged(row: Record) -> bool:
        fitting = sum(fits(line) for line in range(row.line, row.line + row.lines))
        return fitting >= 2 and 2 * (fitting - 1) >= row.lines - 1

    return [row for row in several if looks_merged(row)]


def _may_be_plain(quoted: Reading, plain: Reading, delimiter: str, labels: Sequence[str]) -> bool:
    """Whether nothing in the file shows that quotes enclose fields.

    Enclosed fields are those of the header, of the label column, and those with doubled quotes; in
    other files than TSV any field that begins and ends with a quote.
    """
    if any('"' in name for name in plain.header):
        return False
    if len(plain.header) == 1 and any(row.lines > 1 for row in quoted.rows):
        return False
    columns = {index for index, name in enumerate(plain.header) if name in labels}
    for row in plain.rows:
        for index, value in enumerate(row.fields):
            if len(value) < 2 or value[0] != '"' or value[-1] != '"':
                continue
            if delimiter != "\t" or index in columns or _RFC_FIELD.fullmatch(value):
                return False
    return True
