"""Data files in every format and encoding, and a sentence for every one that cannot be used."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow
import pyarrow.parquet
import pytest

from paretoscope.errors import TaskError
from paretoscope.tasks.load import load_task
from paretoscope.tasks.ref import DataOptions
from paretoscope.tasks.resolve import resolve_task
from paretoscope.tasks.splits import Task


def load(path: Path, model_labels: tuple[str, ...] | None = None, **options: Any) -> Task:
    return load_task(resolve_task(str(path), DataOptions(**options)), model_labels)


def rows(count: int = 60, labels: tuple[str, ...] = ("no", "yes")) -> list[tuple[str, str]]:
    return [(f"example number {n}", labels[n % len(labels)]) for n in range(count)]


def csv(
    path: Path, content: list[tuple[str, str]], header: str = "text,label", encoding: str = "utf-8"
) -> Path:
    path.write_text(
        header + "\n" + "".join(f"{text},{label}\n" for text, label in content), encoding=encoding
    )
    return path


def refusal(path: Path, model_labels: tuple[str, ...] | None = None, **options: Any) -> str:
    """The one sentence that says why a file is not used."""
    with pytest.raises(TaskError) as caught:
        load(path, model_labels, **options)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_formats_give_equal_splits(tmp_path: Path) -> None:
    data = rows()
    csv(tmp_path / "a.csv", data)
    (tmp_path / "b.tsv").write_text(
        "text\tlabel\n" + "".join(f"{text}\t{label}\n" for text, label in data)
    )
    (tmp_path / "c.jsonl").write_text(
        "".join(json.dumps({"text": text, "label": label}) + "\n" for text, label in data)
    )
    pyarrow.parquet.write_table(
        pyarrow.table({"text": [t for t, _ in data], "label": [n for _, n in data]}),
        tmp_path / "d.parquet",
    )
    (tmp_path / "e.csv").write_text(
        '"text";"label"\r\n' + "".join(f'"{text}";{label}\r\n' for text, label in data)
    )
    loaded = [load(tmp_path / name) for name in ("a.csv", "b.tsv", "c.jsonl", "d.parquet", "e.csv")]
    assert len({tuple(part.sha256 for part in task.splits.values()) for task in loaded}) == 1
    assert loaded[0].labels == ("no", "yes")
    assert loaded[0].max_length is None


def test_fields_with_quotes_commas_and_line_ends(tmp_path: Path) -> None:
    content = 'text,label\n"one, ""two""\nthree",yes\n' + "".join(
        f"{text},{label}\n" for text, label in rows()
    )
    (tmp_path / "d.csv").write_text(content)
    assert 'one, "two"\nthree' in {
        text for part in load(tmp_path / "d.csv").splits.values() for text in part.texts
    }


def test_words_that_pandas_takes_for_missing_stay_labels(tmp_path: Path) -> None:
    assert load(csv(tmp_path / "d.csv", rows(labels=("NA", "null")))).labels == ("NA", "null")


def test_columns_are_guessed_and_can_be_named(tmp_path: Path) -> None:
    path = csv(tmp_path / "d.csv", rows(), header="Review,Sentiment")
    assert load(path).labels == ("no", "yes")
    swapped = csv(
        tmp_path / "e.csv", [(label, text) for text, label in rows()], header="text,label"
    )
    assert load(swapped, text_column="label", label_column="text").labels == ("no", "yes")


def test_columns_that_cannot_be_guessed_are_listed_with_the_option(tmp_path: Path) -> None:
    path = csv(tmp_path / "d.csv", rows(), header="foo,bar")
    assert refusal(path).endswith(
        "its columns are: foo, bar. Select the text column with --text-column."
    )
    assert refusal(path, text_column="foo").endswith("Select the label column with --label-column.")
    assert 'has no text column "fooo"; did you mean "foo"?' in refusal(path, text_column="fooo")
    assert 'The column "foo" of' in refusal(path, text_column="foo", label_column="foo")
    assert 'has 2 columns named "text"' in refusal(
        csv(tmp_path / "e.csv", rows(), header="text,text"), label_column="text"
    )


@pytest.mark.parametrize(
    ("encoding", "word"),
    [
        ("latin-1", "café"),
        ("cp1252", "naïve €"),
        ("utf-16", "日本"),
        ("gb18030", "中文"),
        ("utf-8-sig", "é"),
    ],
)
def test_encodings(tmp_path: Path, encoding: str, word: str) -> None:
    path = csv(
        tmp_path / "d.csv",
        [(f"{word} {n}", "no" if n % 2 else "yes") for n in range(60)],
        encoding=encoding,
    )
    task = load(path, encoding=encoding)
    assert all(text.startswith(word) for part in task.splits.values() for text in part.texts)


def test_a_byte_order_mark_is_no_part_of_a_column(tmp_path: Path) -> None:
    assert load(csv(tmp_path / "d.csv", rows(), encoding="utf-8-sig")).labels == ("no", "yes")


def test_a_wrong_encoding_names_the_byte_and_a_better_one(tmp_path: Path) -> None:
    path = csv(tmp_path / "d.csv", [("caf\u00e9", "no"), *rows()], encoding="latin-1")
    assert (
        "is not utf-8: byte 14 (0xe9) cannot be decoded; choose another encoding with --encoding,"
        " such as latin-1." in refusal(path)
    )
    path = csv(tmp_path / "e.csv", rows(), encoding="utf-16")
    assert "such as utf-16" in refusal(path)
    path = csv(tmp_path / "f.csv", [("caf\u00e9", "no"), *rows()])
    assert (
        "is not ascii: byte 14 (0xc3) cannot be decoded; choose another encoding with --encoding,"
        " such as utf-8." in refusal(path, encoding="ascii")
    )


@pytest.mark.parametrize("encoding", ["utf-99", "base64", "a\0b", ""])
def test_an_encoding_that_does_not_exist(tmp_path: Path, encoding: str) -> None:
    assert "There is no text encoding" in refusal(
        csv(tmp_path / "d.csv", rows()), encoding=encoding
    )


def test_empty_texts_are_named(tmp_path: Path) -> None:
    path = csv(tmp_path / "d.csv", [*rows(4), ("", "no"), ("  ", "yes"), *rows()])
    with pytest.raises(TaskError, match="- line 6, line 7: the text is empty"):
        load(path)


def test_too_little_or_too_uniform_data(tmp_path: Path) -> None:
    assert "has only 20 different examples" in refusal(csv(tmp_path / "a.csv", rows(20) * 5))
    assert "at least two classes" in refusal(csv(tmp_path / "b.csv", rows(labels=("same",))))
    rare = refusal(csv(tmp_path / "c.csv", [*rows(), ("one", "rare"), ("two", "rare")]))
    assert 'The class "rare" of' in rare
    assert "has only 2 different examples, but needs at least 4, one per split" in rare
    assert "has columns but no rows" in refusal(csv(tmp_path / "d.csv", []))
    conflicting = [(text, label) for text, _ in rows() for label in ("no", "yes")]
    assert "has only 0 different examples" in refusal(csv(tmp_path / "e.csv", conflicting))


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("d.csv", b"", "is empty"),
        ("d.jsonl", b"\n\n", "is empty"),
        ("d.csv", b"text,label\na,b,c\n", "line 2: 3 fields, but 2 in the header"),
        ("d.csv", b'"text",label\n"open,no\n', "line 2: a quote opens here and is never closed"),
        ("d.jsonl", b'{"text": "a", "label": 1}\n{"text": \n', "line 2: not JSON"),
        ("d.jsonl", b"[1]\n", "is one JSON array"),
        ("d.jsonl", b"7\n", "line 1: not a JSON object"),
        ("d.jsonl", b'{"text": 5, "label": 1}\n', "line 1: the text has the type int"),
        ("d.jsonl", b'{"text": "\\ud800", "label": 1}\n', "unpaired surrogate"),
        ("d.parquet", b"PAR1 not really", "cannot be read as Parquet"),
        ("d.parquet", b"", "cannot be read as Parquet"),
    ],
)
def test_broken_files(tmp_path: Path, name: str, content: bytes, message: str) -> None:
    (tmp_path / name).write_bytes(content)
    assert message in refusal(tmp_path / name)
