"""Every reader gives all rows that a file has, or names the place of each that it cannot read."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas
import pyarrow
import pyarrow.parquet
import pytest

from paretoscope.errors import Problems, TaskError
from paretoscope.tasks.data import Data
from paretoscope.tasks.files import read_examples, read_texts
from paretoscope.tasks.load import load_task
from paretoscope.tasks.ref import DataOptions
from paretoscope.tasks.resolve import resolve_task

ODD = ["line\u2028separator", "next\u0085line", "form\x0cfeed", "unit\x1fsep", "tab\there", 'a "q"']


def read(path: Path, **options: Any) -> Data:
    problems = Problems(f'"{path}"', TaskError)
    data = read_examples(path, DataOptions(**options), problems)
    problems.check()
    return data


def examples(path: Path, **options: Any) -> list[tuple[str, str]]:
    data = read(path, **options)
    return [(each.text, str(each.label)) for each in data.examples]


def problems(path: Path, content: str | bytes, **options: Any) -> list[str]:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    with pytest.raises(TaskError) as caught:
        read(path, **options)
    return str(caught.value).splitlines()


def test_all_formats_agree_with_pandas(tmp_path: Path) -> None:
    rows = [(f"{odd} {number}", "ab"[number % 2]) for number in range(5) for odd in ODD]
    frame = pandas.DataFrame(rows, columns=["text", "label"])
    frame.to_csv(tmp_path / "d.csv", index=False)
    frame.to_csv(tmp_path / "d.tsv", index=False, sep="\t")
    frame.to_csv(tmp_path / "i.csv", sep=";", lineterminator="\r\n")
    frame.to_json(tmp_path / "d.jsonl", orient="records", lines=True, force_ascii=False)
    frame.to_parquet(tmp_path / "d.parquet")
    for name in ("d.csv", "d.tsv", "i.csv", "d.jsonl", "d.parquet"):
        assert examples(tmp_path / name) == rows, name


def test_documents_of_txt_end_at_blank_lines_only(tmp_path: Path) -> None:
    (tmp_path / "d.txt").write_bytes("\r\n\r\n".join(ODD).encode())
    data = read_texts(tmp_path / "d.txt", DataOptions())
    assert [each.text for each in data.examples] == ODD
    assert data.examples[1].place == "line 3"


@pytest.mark.parametrize(
    "kind", ["string", "large_string", "string_view", "dictionary", "chunks", "nullable"]
)
def test_columns_of_parquet(tmp_path: Path, kind: str) -> None:
    texts: Any = pyarrow.array(["a", "b", "c"])
    if kind == "dictionary":
        texts = texts.dictionary_encode()
    elif kind == "chunks":
        texts = pyarrow.chunked_array([["a"], ["b", "c"]])
    elif kind != "nullable":
        texts = texts.cast(getattr(pyarrow, kind)())
    pyarrow.parquet.write_table(
        pyarrow.table(
            {"text": texts, "label": ["x", "y", "x"], "film": texts, "n": [[1], [2], []]}
        ),
        tmp_path / "d.parquet",
    )
    data = read(tmp_path / "d.parquet")
    assert [each.text for each in data.examples] == ["a", "b", "c"]
    assert dict(data.columns) == {"film": ["a", "b", "c"]}


def test_nulls_and_lists_of_parquet_are_named(tmp_path: Path) -> None:
    path = tmp_path / "d.parquet"
    table = pyarrow.table({"text": ["a", None, "c", None], "label": list("xyxy")})
    pyarrow.parquet.write_table(table, path)
    assert "- row 2, row 4: the text is empty" in problems(path, path.read_bytes())[1]
    pyarrow.parquet.write_table(pyarrow.table({"text": [["a"]], "label": ["x"]}), path)
    assert "row 1: the text has the type list" in problems(path, path.read_bytes())[0]


@pytest.mark.parametrize(
    ("line", "what"),
    [
        ('{"text": "a", "label": "x"} ,', "not JSON (extra data)"),
        ('{"text": "a", "label": "x"}{"text": "b", "label": "y"}', "not JSON (extra data)"),
        ('{"text": "a", "label": "x", "text": "b"}', 'the name "text" occurs twice'),
        ('["a", "x"]', "not a JSON object"),
        ('{"text": "a\\u0000b", "label": "x"}', "the text contains a NUL character"),
        ('{"sentence": "a", "label": "x"}', "the text is empty"),
        ('{"text": null, "label": "x"}', "the text is empty"),
    ],
)
def test_a_line_of_json_that_is_no_row(tmp_path: Path, line: str, what: str) -> None:
    good = '{"text": "good", "label": "y", "more": {"a": 1}}'
    (found,) = problems(tmp_path / "d.jsonl", f"\ufeff{good}\n\n{line}\n{good}\n")
    assert f", line 3: {what}" in found


def test_an_object_inside_a_row_may_repeat_a_name(tmp_path: Path) -> None:
    (tmp_path / "d.jsonl").write_text('{"text": "a", "label": "x", "more": {"b": 1, "b": 2}}\n')
    assert examples(tmp_path / "d.jsonl") == [("a", "x")]


def test_text_that_is_utf_16_without_a_mark(tmp_path: Path) -> None:
    content = "text,label\nabc,x\n".encode("utf-16-le")
    (found,) = problems(tmp_path / "d.csv", content)
    assert "such as utf-16-le" in found
    assert examples(tmp_path / "d.csv", encoding="utf-16-le") == [("abc", "x")]


def test_a_file_with_five_mistakes_names_all_five(tmp_path: Path) -> None:
    good = "good,a\n" * 3
    content = f"text,label\n{good}one,two,three\n{good},a\nonly\n{good}nul\0,a\n  ,b\n{good}"
    heading, *lines = problems(tmp_path / "d.csv", content)
    assert heading == f'"{tmp_path / "d.csv"}": 5 problems.'
    assert [line.partition(":")[0] for line in lines] == [
        "- line 5",
        "- line 10",
        "- line 9, line 15",
        "- line 14",
    ]


def test_problems_of_texts_and_labels_are_named_together(tmp_path: Path) -> None:
    path = tmp_path / "d.csv"
    path.write_text("text,label\n,no\none,\ntwo,nan\nthree,maybe\nfour,yes,more\nfive,yes\n")
    with pytest.raises(TaskError) as caught:
        load_task(resolve_task(str(path)), ("no", "yes"))
    for line in ("line 2", "line 3", "line 4", "line 5", "line 6"):
        assert line in str(caught.value)


def test_dropped_rows_need_no_text_and_no_group(tmp_path: Path) -> None:
    path = tmp_path / "d.csv"
    path.write_text("text,label,film\n,,\none,no,a\ntwo,,\nthree,yes,b\n")
    data = read(path, drop_missing=True, group_column="film")
    assert [each.text for each in data.examples] == ["one", "three"]
    assert [data.groups[each.row] for each in data.examples] == ["a", "b"]
    path.write_text("text,label\none,\n")
    with pytest.raises(TaskError, match="has no row with a label"):
        load_task(resolve_task(str(path), DataOptions(drop_missing=True)))


def test_many_mistakes_are_counted(tmp_path: Path) -> None:
    content = "text,label\n" + "a,b,c\n" * 30
    heading, line = problems(tmp_path / "d.csv", content)
    assert heading.endswith("30 problems.")
    assert "line 11 and 20 more: 3 fields" in line
    content = "text,label\n" + "".join("a," * (n + 2) + "b\n" for n in range(30))
    assert problems(tmp_path / "d.csv", content)[-1] == "- and 20 more."


@pytest.mark.parametrize(
    ("name", "content"),
    [("d.csv", "Text,text ,label\na,b,x\n"), ("d.jsonl", '{"text": "a", "TEXT": "b", "label": 1}')],
)
def test_names_that_differ_in_case_are_not_guessed(tmp_path: Path, name: str, content: str) -> None:
    (found,) = problems(tmp_path / name, content)
    assert "select the text column with --text-column" in found
    assert examples(tmp_path / name, text_column="text")[0][0] in "ab"


@pytest.mark.parametrize(
    "character", ["\u6f22", "\u3042", "\u30ab", "\u0e01", "\u1780", "\u0e81", "\u1000", "\u0f40"]
)
def test_prose_in_scripts_without_spaces(tmp_path: Path, character: str) -> None:
    path = tmp_path / "d.txt"
    path.write_text("\n\n".join(chr(ord(character) + n) * 60 for n in range(25)))
    assert sum(map(len, load_task(resolve_task(str(path))).splits.values())) == 25
    path.write_text("\n\n".join(chr(ord(character) + n) * 30 for n in range(25)))
    with pytest.raises(TaskError, match="only 25 different documents with 750 words"):
        load_task(resolve_task(str(path)))


def test_plain_text_has_no_columns(tmp_path: Path) -> None:
    (tmp_path / "d.txt").write_text("one\n\ntwo")
    with pytest.raises(TaskError, match='plain text without columns; remove the column "split"'):
        read_texts(tmp_path / "d.txt", DataOptions(split_column="split"))


def test_json_without_a_column(tmp_path: Path) -> None:
    (tmp_path / "d.jsonl").write_text(json.dumps({"text": "a", "label": "b"}))
    with pytest.raises(TaskError, match='has no split column "fold"'):
        read(tmp_path / "d.jsonl", split_column="fold")
