"""The first look at a data file: columns, guesses, encoding and delimiter."""

from __future__ import annotations

from pathlib import Path

import pytest

from paretoscope.errors import TaskError
from paretoscope.tasks.preview import HEAD, preview
from paretoscope.tasks.ref import DataOptions


def written(path: Path, content: str, encoding: str = "utf-8") -> Path:
    path.write_bytes(content.encode(encoding))
    return path


def rows(delimiter: str = ",") -> str:
    head = delimiter.join(("id", "frage", "art", "fold"))
    folds = ("train", "dev")
    lines = (
        delimiter.join((str(n), f"Größe {n} bitte", "ja" if n % 3 else "nein", folds[n % 2]))
        for n in range(30)
    )
    return "\n".join([head, *lines])


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize(("encoding", "found"), [("utf-8", "utf-8"), ("cp1252", "cp1252")])
def test_delimiter_encoding_and_columns_are_detected(
    delimiter: str, encoding: str, found: str, tmp_path: Path
) -> None:
    seen = preview(written(tmp_path / "a.csv", rows(delimiter), encoding))
    assert (seen.delimiter, seen.encoding, seen.rows) == (delimiter, found, 30)
    assert seen.names == ("id", "frage", "art", "fold")
    assert (seen.text, seen.label, seen.split) == ("frage", "art", "fold")
    assert len(seen.head) == HEAD
    assert seen.head[1]["frage"] == "Größe 1 bitte"
    counts = {column.name: column.values for column in seen.columns}
    assert counts == {"id": 30, "frage": 30, "art": 2, "fold": 2}


def test_options_leave_out_what_is_read_by_default(tmp_path: Path) -> None:
    seen = preview(written(tmp_path / "a.csv", "text,label,other\na,x,1\nb,y,2\n"))
    assert seen.options("text", "label") == DataOptions()
    assert seen.options("text", "other") == DataOptions(label_column="other")


def test_a_chosen_delimiter_is_part_of_the_options(tmp_path: Path) -> None:
    path = written(tmp_path / "a.csv", "text;label,more\na,x;1\n")
    assert preview(path).options("text;label", None).delimiter is None
    seen = preview(path, delimiter=";")
    assert seen.names == ("text", "label,more")
    assert seen.options("text", "label,more").delimiter == ";"


def test_json_lines_parquet_and_prose(tmp_path: Path) -> None:
    lines = '{"text": "a b", "label": 1}\n{"text": "c", "label": null}\n'
    seen = preview(written(tmp_path / "a.jsonl", lines))
    assert (seen.text, seen.label, seen.delimiter) == ("text", "label", None)
    assert [column.filled for column in seen.columns] == [2, 1]
    prose = preview(written(tmp_path / "a.txt", "one\n\ntwo\n"))
    assert (prose.rows, prose.text, prose.label) == (2, "text", None)
    pandas = pytest.importorskip("pandas")
    pandas.DataFrame({"text": ["a"], "label": [1]}).to_parquet(tmp_path / "a.parquet")
    assert preview(tmp_path / "a.parquet").names == ("text", "label")


def test_rows_that_cannot_be_read_are_named_beside_the_others(tmp_path: Path) -> None:
    seen = preview(written(tmp_path / "a.csv", "text,label\na,x\nb\nc,y\n"))
    assert seen.rows == 2
    assert seen.problems is not None
    assert "line 3" in seen.problems


@pytest.mark.parametrize(("name", "content"), [("a.csv", ""), ("a.jsonl", "[]")])
def test_a_file_without_rows_is_an_error(name: str, content: str, tmp_path: Path) -> None:
    with pytest.raises(TaskError):
        preview(written(tmp_path / name, content))
    with pytest.raises(TaskError):
        preview(tmp_path / "missing.csv")
