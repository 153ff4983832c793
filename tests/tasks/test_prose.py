"""Prose as a task: documents in splits that share nothing, files that are refused, pieces for
training, questions that can be answered.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest

from paretoscope.catalog import check_task
from paretoscope.errors import TaskError
from paretoscope.sources.ref import ModelRef
from paretoscope.tasks.duplicates import normalize
from paretoscope.tasks.load import describe_task, export_split, load_task
from paretoscope.tasks.prose import (
    CHOICES,
    CLOZE,
    ClozeSplit,
    chunks,
    first_documents,
    load_prose,
    question,
)
from paretoscope.tasks.ref import DataOptions
from paretoscope.tasks.resolve import resolve_task

DOCUMENTS = [
    f"Document {number} begins here. " + " ".join(f"word{number}x{place}" for place in range(80))
    for number in range(30)
]


def test_prose_is_split_by_document() -> None:
    task = load_task(resolve_task("prose"))
    assert (task.kind, task.metric, task.labels) == ("prose", "perplexity", ())
    sizes = {name: len(split) for name, split in task.splits.items()}
    assert sizes == {"train": 1230, "calibration": 256, "validation": 319, "test": 319}
    texts = [normalize(text) for split in task.splits.values() for text in split.texts]
    assert len(texts) == len(set(texts))


def test_an_exported_document_has_no_label(tmp_path: Path) -> None:
    task = load_task(resolve_task("prose"))
    assert export_split(task, "test", tmp_path / "test.jsonl") == 319
    content = (tmp_path / "test.jsonl").read_bytes()
    assert (
        hashlib.sha256(content).hexdigest()
        == describe_task(resolve_task("prose"))["splits"]["test"]["sha256"]
    )
    assert json.loads(content.splitlines()[0]).keys() == {"id", "text"}


def test_txt_jsonl_and_csv_are_the_same_documents(tmp_path: Path) -> None:
    (tmp_path / "own.txt").write_text("\n\n \n".join(DOCUMENTS))
    (tmp_path / "own.jsonl").write_text("\n".join(json.dumps({"body": text}) for text in DOCUMENTS))
    (tmp_path / "own.csv").write_text(
        "\n".join(["text,other", *(f'"{text}",1' for text in DOCUMENTS)])
    )
    found = [
        load_prose(resolve_task(str(tmp_path / name), architecture="decoder"))
        for name in ("own.txt", "own.jsonl", "own.csv")
    ]
    assert len({split.sha256 for task in found for split in task.splits.values()}) == 4
    assert resolve_task(str(tmp_path / "own.txt")).architecture == "decoder"


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("empty.txt", " \n\n", "is empty; give a file with documents"),
        ("few.txt", "\n\n".join(DOCUMENTS[:5]), "has only 5 different documents"),
        ("short.txt", "\n\n".join(f"line {number}" for number in range(100)), "with 200 words"),
        ("same.txt", "\n\n".join(DOCUMENTS[:1] * 50), "has only 1 different documents"),
        ("blank.jsonl", '{"text": ""}', "the text is empty"),
        ("columns.jsonl", '{"a": "x", "b": "y"}', "no column with a common name for the text"),
    ],
)
def test_unusable_prose_is_refused(tmp_path: Path, name: str, content: str, message: str) -> None:
    (tmp_path / name).write_text(content)
    with pytest.raises(TaskError, match=message):
        load_prose(resolve_task(str(tmp_path / name), architecture="decoder"))


def test_task_and_model_have_to_fit(tmp_path: Path) -> None:
    decoder = ModelRef(name="lm", kind="folder", architecture="decoder", key="0")
    classifier = decoder.model_copy(update={"name": "bert", "architecture": "classifier"})
    check_task(resolve_task("prose"), decoder)
    with pytest.raises(
        TaskError, match=r'"trec" is for a classifier.*"lm" is a language model.*prose, prose-cloze'
    ):
        check_task(resolve_task("trec"), decoder)
    with pytest.raises(TaskError, match=r'"prose" is for a language model.*"bert" is a classifier'):
        check_task(resolve_task("prose"), classifier)
    (tmp_path / "own.txt").write_text("\n\n".join(DOCUMENTS))
    with pytest.raises(TaskError, match="without labels"):
        resolve_task(str(tmp_path / "own.txt"), architecture="classifier")
    with pytest.raises(TaskError, match="remove the label column"):
        resolve_task(str(tmp_path / "own.txt"), DataOptions(label_column="label"))


def test_pieces_come_from_as_many_documents_as_they_can() -> None:
    documents = [np.full(length, number) for number, length in enumerate((300, 20, 600))]
    found = chunks(documents, 256)
    assert [(int(piece[0]), len(piece)) for piece in found] == [
        (0, 256),
        (1, 20),
        (2, 256),
        (0, 44),
        (2, 256),
        (2, 88),
    ]


def test_scored_documents_are_whole_and_the_first() -> None:
    documents = [np.arange(length) for length in (10, 1, 30, 5)]
    assert [len(ids) for ids in first_documents(documents, 11)] == [10, 30]
    assert [len(ids) for ids in first_documents(documents, 10_000)] == [10, 30, 5]


def test_questions_quote_their_document() -> None:
    task = load_task(resolve_task(CLOZE))
    split = task.splits["validation"]
    assert isinstance(split, ClozeSplit)
    assert len(split.questions) > 300
    texts = [" ".join(text.split()) for text in split.texts]
    for each in split.questions[:50]:
        assert len(set(each.choices)) == CHOICES
        true = f"{each.context} {each.choices[each.answer]}"
        assert sum(true in text for text in texts) == 1, (
            "the true continuation stands right after the context"
        )
        assert sum(all(choice in text for choice in each.choices) for text in texts) == 1, (
            "the others stand in the same document"
        )
    answers = np.bincount([each.answer for each in split.questions], minlength=CHOICES)
    assert answers.min() > 0.15 * len(split.questions), (
        "no place among the four is the true one more often"
    )
    assert question(split.texts[0], 7) == question(split.texts[0], 7)
    assert question("Too short. To ask.", 0) is None
