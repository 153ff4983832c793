"""Splits and groups that a data file names, and notes where the splits share something."""

from __future__ import annotations

import json
import random
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest

from paretoscope.errors import TaskError
from paretoscope.tasks.load import load_task
from paretoscope.tasks.ref import DataOptions
from paretoscope.tasks.resolve import resolve_task
from paretoscope.tasks.splits import SPLITS, Task

Rows = list[dict[str, Any]]
VOCABULARY = [f"{first}{second}" for first in "bdfghklmnp" for second in ("ana", "ebe", "oro", "u")]


def rows(count: int = 400, /, **columns: Any) -> Rows:
    """Rows with random texts; each of `columns` is a function of the row's number."""
    draw = random.Random(0)
    return [
        {
            "text": " ".join([f"t{n}x", *draw.sample(VOCABULARY, 12)]),
            "label": "ab"[n % 2],
            **{name: of(n) for name, of in columns.items()},
        }
        for n in range(count)
    ]


def load(folder: Path, content: Rows, **options: Any) -> Task:
    path = folder / "d.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in content))
    return load_task(resolve_task(str(path), DataOptions(**options)))


def refusal(folder: Path, content: Rows, **options: Any) -> str:
    with pytest.raises(TaskError) as caught:
        load(folder, content, **options)
    return str(caught.value)


def places(task: Task) -> dict[str, str]:
    return {text: name for name, split in task.splits.items() for text in split.texts}


def shared(task: Task) -> str:
    """The notes about rows that share a value."""
    return " ".join(note for note in task.notes if "share their" in note)


# --- split column ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "names",
    [
        ("train", "calibration", "validation", "test"),
        ("Training", "calib", "dev", "TESTING"),
        ("TRAIN ", "Cal", "valid", "hold-out"),
        ("train", "calibration", "eval", "Held_Out"),
        ("train", "calibration", "val", "holdout"),
    ],
)
def test_names_of_splits(tmp_path: Path, names: tuple[str, ...]) -> None:
    content = rows(part=lambda n: names[(n // 2) % 4])
    found = places(load(tmp_path, content, split_column="part"))
    assert {row["text"]: row["part"] for row in content} == {
        text: names[SPLITS.index(split)] for text, split in found.items()
    }


@pytest.mark.parametrize("absent", [("test",), ("validation",), ("validation", "test"), ()])
def test_absent_splits_are_made_from_train(tmp_path: Path, absent: tuple[str, ...]) -> None:
    names = [name for name in ("train", "train", "validation", "test") if name not in absent]
    content = rows(split=lambda n: names[(n // 2) % len(names)])
    task = load(tmp_path, content, split_column="split")
    found = places(task)
    given = {row["text"]: row["split"] for row in content}
    assert found.keys() == given.keys()
    for text, name in given.items():
        assert found[text] == name or (name == "train" and found[text] in (*absent, "calibration"))
    assert all(len(split) for split in task.splits.values())
    assert any("calibration" in note and "made from rows of train" in note for note in task.notes)
    shuffled = random.Random(1).sample(content, len(content))
    assert places(load(tmp_path, shuffled, split_column="split")) == found


def test_copies_in_two_splits_stay_in_the_one_used_less(tmp_path: Path) -> None:
    content = rows(split=lambda n: ("train", "train", "dev", "test")[(n // 2) % 4])
    held_out = [row for row in content if row["split"] != "train"][:7]
    leaks = [{**row, "text": row["text"].upper(), "split": "train"} for row in held_out]
    task = load(tmp_path, leaks + content, split_column="split")
    found = places(task)
    names = {"dev": "validation", "test": "test"}
    assert [found[row["text"]] for row in held_out] == [names[row["split"]] for row in held_out]
    assert len(found) == len(content)
    assert task.duplicates == 7
    assert any("7 of the duplicates were in two splits" in note for note in task.notes)
    assert found == places(load(tmp_path, content + leaks, split_column="split"))


def test_unusable_split_columns_are_refused(tmp_path: Path) -> None:
    content = rows(split=lambda n: ("train", "dev", "tset", None)[n % 4])
    lines = refusal(tmp_path, content, split_column="split").splitlines()
    assert lines[0].endswith("200 problems.")
    assert lines[1].startswith("- line 3, line 7")
    assert 'the split is "tset"' in lines[1]
    assert lines[2].startswith("- line 4, line 8")
    assert "did you mean" in refusal(tmp_path, content, split_column="splits")
    content = rows(split=lambda n: ("dev", "test")[(n // 2) % 2])
    assert "has no training split" in refusal(tmp_path, content, split_column="split")
    content = rows(split=lambda n: "test" if n % 20 == 1 else "train")
    assert 'test split: there is no example of the class "a"' in refusal(
        tmp_path, content, split_column="split"
    )


@pytest.mark.parametrize("name", ["split", "Subset", "fold"])
def test_a_split_column_that_is_not_used_is_noted(tmp_path: Path, name: str) -> None:
    content = rows(**{name: lambda n: ("train", "dev", "test")[n % 3]})
    notes = load(tmp_path, content).notes
    assert any(f'"{name}"' in note and "--split-column" in note for note in notes)
    content = rows(**{name: lambda n: f"part {n % 5}"})
    assert not any("--split-column" in note for note in load(tmp_path, content).notes)


# --- groups ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("groups", [4, 9, 40, 150, 400])
def test_a_group_is_in_one_split(tmp_path: Path, groups: int) -> None:
    content = rows(film=lambda n: f"Film {n // 2 % groups}")
    task = load(tmp_path, content, group_column="film")
    found = places(task)
    splits: dict[str, set[str]] = defaultdict(set)
    for row in content:
        splits[row["film"]].add(found[row["text"]])
    assert all(len(names) == 1 for names in splits.values())
    for split in task.splits.values():
        assert set(split.labels.tolist()) == {0, 1}
    if groups >= 40:
        assert all(abs(len(task.splits[name]) - 60) <= 6 for name in ("validation", "test"))
    shuffled = random.Random(1).sample(content, len(content))
    again = load(tmp_path, shuffled, group_column="film")
    assert {name: each.sha256 for name, each in again.splits.items()} == {
        name: each.sha256 for name, each in task.splits.items()
    }


def test_groups_of_unequal_size_and_one_class(tmp_path: Path) -> None:
    content = rows(user=lambda n: ("big" if n % 3 else f"user {n % 7}") + "ab"[n % 2])
    task = load(tmp_path, content, group_column="user")
    for split in task.splits.values():
        assert set(split.labels.tolist()) == {0, 1}


def test_groups_that_cannot_be_split_are_refused(tmp_path: Path) -> None:
    content = rows(film=lambda n: n % 9)
    for row in content:
        row["label"] = "b" if row["film"] < 3 else "a"
    assert 'The class "b" of' in (sentence := refusal(tmp_path, content, group_column="film"))
    assert "is in only 3 groups, but needs at least 4" in sentence
    content = rows(film=lambda n: None if n == 7 else n % 50)
    assert "line 8: the group is missing" in refusal(tmp_path, content, group_column="film")


def test_groups_in_two_given_splits_are_counted(tmp_path: Path) -> None:
    content = rows(
        film=lambda n: n // 2 % 50,
        split=lambda n: "test" if n // 2 % 50 < 10 and n < 50 else "train",
    )
    task = load(tmp_path, content, group_column="film", split_column="split")
    assert any("10 of 50 groups" in note for note in task.notes)


# --- groups that are not selected -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "groups"),
    [
        ("film", 5),
        ("movieId", 50),
        ("User Name", 150),
        ("patient", 12),
        ("product_id", 80),
        ("product", 80),
        ("doc", 100),
        ("source_url", 60),
        ("whatever", 60),
        ("threads", 20),
        ("premise", 130),
    ],
)
def test_shared_groups_are_noted(tmp_path: Path, name: str, groups: int) -> None:
    content = rows(**{name: lambda n: f"g{n * 7919 % groups}"})
    note = shared(load(tmp_path, content))
    assert f'share their "{name}"' in note
    assert "--group-column" in note
    assert not shared(load(tmp_path, content, group_column=name))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("category", lambda n: f"c{n % 5}"),
        ("source", lambda n: f"s{n % 3}"),
        ("id", lambda n: n),
        ("user_id", lambda n: f"u{n}"),
        ("stars", lambda n: n % 5),
        ("words", lambda n: n % 60),
        ("date", lambda n: f"2020-01-{n % 28}"),
        ("created", lambda n: f"2020-{n % 12 + 1:02}-{n % 28 + 1:02}T00:00:00Z"),
        ("city", lambda n: f"city {n % 50}"),
        ("label_id", lambda n: n % 2),
        ("whatever", lambda n: f"v{n % 6}"),
        ("summary", lambda n: f"text {n}"),
        ("nothing", lambda _: None),
        ("film", lambda n: None if n % 2 else f"f{n}"),
        ("tokens", lambda n: ["a", "b"]),
    ],
)
def test_attributes_and_identifiers_are_no_groups(tmp_path: Path, name: str, value: Any) -> None:
    assert not shared(load(tmp_path, rows(**{name: value})))


def test_the_share_is_that_of_the_validation_rows(tmp_path: Path) -> None:
    content = rows(film=lambda n: f"f{n // 3}" if n < 200 else f"g{n}")
    task = load(tmp_path, content)
    film = {row["text"]: row["film"] for row in content}
    trained = {film[text] for name in ("train", "calibration") for text in task.splits[name].texts}
    found = [film[text] in trained for text in task.splits["validation"].texts]
    assert shared(task).startswith(f"{100 * sum(found) / len(found):.1f} % of the validation rows")


# --- near-duplicates and conflicts ----------------------------------------------------------------


def near(task: Task) -> str:
    return " ".join(note for note in task.notes if "near-duplicates" in note)


@pytest.mark.parametrize(
    "change",
    [
        lambda text: f"{text}!",
        lambda text: text.replace(" ", ", ", 3),
        lambda text: f"{text} 12",
        lambda text: text.upper() + " ?",
        lambda text: text.replace(" ", "  ").rsplit(" ", 1)[0] + "extra",
    ],
)
def test_near_duplicates_are_counted(tmp_path: Path, change: Any) -> None:
    content = rows(200)
    assert not near(load(tmp_path, content))
    copies = [{**row, "text": change(row["text"])} for row in content]
    share = float(near(load(tmp_path, content + copies)).split(" %")[0])
    assert 60 < share < 90  # a copy is in train with a probability of about 70 %


def test_duplicates_and_conflicts_are_noted(tmp_path: Path) -> None:
    content = rows(200)
    content += [{**row, "text": row["text"].title()} for row in content[:6]]
    content += [{**row, "label": "ba"[number % 2]} for number, row in enumerate(content[10:13])]
    task = load(tmp_path, content)
    assert (task.duplicates, task.conflicts) == (6, 6)
    assert any(note.startswith("6 duplicates were removed") for note in task.notes)
    assert any("3 texts with different labels were removed (6 rows)" in note for note in task.notes)
    shuffled = random.Random(2).sample(content, len(content))
    assert places(load(tmp_path, shuffled)) == places(task)


def test_clean_and_built_in_data_have_no_notes(tmp_path: Path) -> None:
    assert load(tmp_path, rows()).notes == ()
    assert load_task(resolve_task("sms")).notes == ()
