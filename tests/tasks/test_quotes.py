"""Quotes in CSV and TSV: every row that was written is read, or its line is named."""

from __future__ import annotations

import csv
import io
import random
from typing import Any

import pytest

from paretoscope.tasks.delimited import Reading, read_delimited

WORDS = 'red green "blue" apple, a"b "stray stray" 5" , " "" \t x'.split(" ")


def read(content: str, suffix: str = ".csv", *labels: str) -> Reading:
    return read_delimited(content, suffix, lambda _: ("text", *(labels or ("label",))))


def fields(found: Reading) -> list[tuple[str, ...]]:
    assert not found.problems
    return [tuple(row.fields) for row in found.rows]


@pytest.mark.parametrize("seed", range(40))
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_what_the_csv_module_writes_is_read_back(seed: int, delimiter: str) -> None:
    choice = random.Random(seed).choice
    rows = [
        (choice("\n ").join(choice(WORDS) for _ in range(choice(range(1, 7)))), choice("01"))
        for _ in range(30)
    ]
    file = io.StringIO(newline="")
    quoting: Any = choice([csv.QUOTE_MINIMAL, csv.QUOTE_ALL])
    writer = csv.writer(
        file, delimiter=delimiter, lineterminator=choice(["\n", "\r\n"]), quoting=quoting
    )
    writer.writerows([("text", "label"), *rows])
    suffix = ".tsv" if delimiter == "\t" else ".csv"
    assert fields(read(file.getvalue(), suffix)) == rows


@pytest.mark.parametrize("seed", range(40))
@pytest.mark.parametrize("label_first", [True, False])
def test_plain_quotes_in_tsv_merge_no_rows(seed: int, label_first: bool) -> None:
    choice = random.Random(seed).choice
    plain = [word for word in WORDS if "\t" not in word]
    rows = [
        (" ".join(["x", *(choice(plain) for _ in range(5))][choice([0, 1]) :]), choice("01"))
        for _ in range(30)
    ]
    if label_first:
        written = [("label", "text"), *((label, text) for text, label in rows)]
    else:
        written = [("text", "label"), *rows]
    found = read("".join("\t".join(row) + "\n" for row in written), ".tsv")
    if found.problems:
        assert all(line > 1 for line, _ in found.problems)
    else:
        texts = [row.fields[label_first] for row in found.rows]
        assert [text.strip('"') for text in texts] == [text.strip('"') for text, _ in rows]


def swallowing(delimiter: str) -> tuple[str, int]:
    """A file in which every tenth row opens a quote that the next row closes, and its rows."""
    rows = [
        (
            f'"{n} text' if n % 10 == 0 else f'{n} text"' if n % 10 == 1 else f"{n} text",
            "ab"[n % 3 > 0],
        )
        for n in range(200)
    ]
    return "\n".join(delimiter.join(row) for row in [("text", "label"), *rows]), len(rows)


@pytest.mark.parametrize(("delimiter", "suffix"), [("\t", ".tsv"), (",", ".csv"), ("\t", ".csv")])
def test_a_quote_that_another_row_closes_is_a_plain_character(delimiter: str, suffix: str) -> None:
    content, count = swallowing(delimiter)
    found = read(content, suffix)
    assert len(fields(found)) == count
    assert found.rows[0].fields == ['"0 text', "a"]
    assert found.notes


def test_stray_quotes_among_enclosed_fields_are_refused_with_their_lines() -> None:
    content, _ = swallowing(",")
    found = read(content + '\n"one, two",a\n')
    assert [line for line, _ in found.problems] == list(range(2, 202, 10))


def test_a_quote_that_is_never_closed() -> None:
    rows = "".join(f"{n} text,{n % 2}\n" for n in range(50))
    plain = read(f'text,label\n{rows}"open,1\n{rows}')
    assert len(fields(plain)) == 101
    enclosed = read(f'text,label\n"a, b",1\n{rows}"open,1\n{rows}')
    assert [line for line, _ in enclosed.problems] == [53]


def test_inches_and_quotes_inside_a_field_are_plain() -> None:
    found = read('text,label\na 5" disk,0\nsay "hi" now,1\n')
    assert fields(found) == [('a 5" disk', "0"), ('say "hi" now', "1")]
    assert not found.notes


def test_texts_of_several_lines_with_delimiters_stay_one_row() -> None:
    content = 'text,label\n"Dear Sir,\nhello",0\n"one, two\nthree",1\n"x, 7\ny",0\n'
    assert len(fields(read(content))) == 3
    content = 'label,text\n0,"one\ntwo"\n1,"three\nfour, five"\n'
    assert len(fields(read(content))) == 2


def test_tsv_of_prose_with_identifiers() -> None:
    content = "text\tid\n" + "".join(f'"{n} a\ti{n}\n{n} b"\tj{n}\n' for n in range(9))
    found = read_delimited(content, ".tsv", lambda _: ("text",))
    assert len(fields(found)) == 18


@pytest.mark.parametrize("start", ["sep=;\n", "\n", "\r\n \r\n", '"sep=;"\n\n', "\nSEP=;\r\n"])
def test_lines_before_the_header(start: str) -> None:
    found = read(f"{start}text;label\na, b, c, d;1\n")
    assert fields(found) == [("a, b, c, d", "1")]
    assert found.rows[0].line == start.count("\n") + 2


@pytest.mark.parametrize(
    ("header", "row"),
    [
        ("text,label,", "a,1,"),
        ("text,label,", "a,1"),
        ("text,label,,", "a,1,,"),
        ("text,label", "a,1,,"),
        ('"text",label', "a,1"),
        (" text , label ", "a,1"),
    ],
)
def test_empty_fields_at_the_end_are_no_columns(header: str, row: str) -> None:
    found = read(f"{header}\n{row}\n")
    assert (found.header, fields(found)) == (["text", "label"], [("a", "1")])


def test_the_delimiter_is_not_one_inside_a_quoted_name() -> None:
    found = read('"text, or, what";label\na;1\n')
    assert found.header == ["text, or, what", "label"]


def test_carriage_returns_and_line_feeds_in_one_column() -> None:
    assert len(fields(read("text\ra\rb\r"))) == 2
    assert len(fields(read("text\r\na\nb\r\n"))) == 2
    assert len(fields(read("text,label\ra,1\nb,2\r\nc,3"))) == 3
    assert [line for line, _ in read("text\na\rb\n").problems] == [2]
    assert len(fields(read('text\n"a\rb"\n'))) == 1


def test_quoted_documents_of_several_lines_are_noted() -> None:
    found = read('text\n"one\ntwo"\nthree\n')
    assert fields(found) == [("one\ntwo",), ("three",)]
    assert "lines 2 to 3" in found.notes[0]
