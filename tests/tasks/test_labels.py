"""Labels of data files become outputs of the model: by name, number or index, never by accident."""

from __future__ import annotations

import json
import math
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow
import pyarrow.parquet
import pytest

from paretoscope.errors import TaskError
from paretoscope.tasks.label_matching import LabelError, match_labels
from paretoscope.tasks.load import describe_task, load_task
from paretoscope.tasks.ref import DataOptions
from paretoscope.tasks.resolve import resolve_task
from paretoscope.tasks.splits import Task

STARS = ("1 star", "2 stars", "3 stars", "4 stars", "5 stars")
UNNAMED = ("LABEL_0", "LABEL_1", "LABEL_2")


def load(path: Path, outputs: tuple[str, ...] | None = None, **options: Any) -> Task:
    return load_task(resolve_task(str(path), DataOptions(**options)), outputs)


def outputs_of(task: Task) -> dict[str, int]:
    """The output of the class of each text "example of X number n", by X."""
    return {
        text.removeprefix("example of ").rpartition(" number ")[0]: int(index)
        for split in task.splits.values()
        for text, index in zip(split.texts, split.labels, strict=True)
    }


def rows(labels: tuple[Any, ...], count: int = 60) -> list[tuple[str, Any]]:
    each = [labels[n % len(labels)] for n in range(count)]
    return [(f"example of {label} number n{n}", label) for n, label in enumerate(each)]


def csv(path: Path, *labels: str) -> Path:
    quoted = "".join(f'"{text}","{label}"\n' for text, label in rows(labels))
    path.write_text("text,label\n" + quoted)
    return path


def jsonl(path: Path, *labels: Any) -> Path:
    lines = [json.dumps({"text": text, "label": label}) for text, label in rows(labels)]
    path.write_text("\n".join(lines))
    return path


def parquet(path: Path, *labels: Any) -> Path:
    texts, values = zip(*rows(labels), strict=True)
    pyarrow.parquet.write_table(pyarrow.table({"text": texts, "label": values}), path)
    return path


def refusal(path: Path, outputs: tuple[str, ...] | None = None, **options: Any) -> str:
    with pytest.raises(TaskError) as caught:
        load(path, outputs, **options)
    return str(caught.value)


# --- the rule -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("labels", "outputs", "rule", "found"),
    [
        (["no", "yes"], ["yes", "no"], "name", [1, 0]),
        (["Spam", "HAM"], ["ham", "spam"], "name", [1, 0]),
        (["a", "A"], ["A", "a"], "name", [1, 0]),
        (["e\u0301t\u00e9", "hiver"], ["Hiver", "\u00c9T\u00c9"], "name", [1, 0]),
        (["very bad", " good"], ["good", "very bad "], "name", [1, 0]),
        (["True", "False"], ["true", "false"], "name", [0, 1]),
        (["1", "2"], ["1.0", "2.0", "3.0"], "name", [0, 1]),
        (["1.0", "2.0"], ["1", "2", "3"], "name", [0, 1]),
        (["1e0", "+2"], ["1", "2", "3"], "name", [0, 1]),
        (["-1", "1"], ["-1", "0", "1"], "name", [0, 2]),
        (["0", "1"], ["-1", "0", "1"], "name", [1, 2]),
        (["0.5", "1"], ["0.5", "1.0"], "name", [0, 1]),
        (["1", "other"], ["Other", "1.0"], "name", [1, 0]),
        (["01", "02", "10"], ["01", "02", "10"], "name", [0, 1, 2]),
        (["1", "2", "10"], ["01", "02", "10"], "name", [0, 1, 2]),
        (["LABEL_1", "LABEL_0"], ["LABEL_0", "LABEL_1"], "name", [1, 0]),
        (["LABEL_1", "LABEL_0"], ["LABEL_1", "LABEL_0"], "name", [0, 1]),
        (["b", "c"], ["a", "b", "a", "c"], "name", [1, 3]),
        (["1", "4"], STARS, "number", [0, 3]),
        (["1.0", "5.0"], STARS, "number", [0, 4]),
        (["10", "9"], ["grade-9", "grade-10"], "number", [1, 0]),
        (["-1", "1"], ["-1 (bad)", "1 (good)"], "number", [0, 1]),
        (["3", "1"], ["class 3", "class 1", "class 2"], "number", [0, 1]),
        (["1", "0"], ["LABEL_1", "LABEL_0"], "number", [0, 1]),
        (["0", "1", "2", "3", "4"], STARS, "index", [0, 1, 2, 3, 4]),
        (["0", "2"], UNNAMED, "index", [0, 2]),
        (["0.0", "1.0"], ["neg", "pos"], "index", [0, 1]),
        (["0", "1"], ["covid-19", "flu"], "index", [0, 1]),
        (["0", "1", "2"], ["a", "b", "a"], "index", [0, 1, 2]),
        (["0", "1"], ["Score 0", "Score 1"], "index", [0, 1]),
        (["0", "1"], ["False", "True"], "index", [0, 1]),
        (["1", "2"], ["one star", "two stars", "three stars"], "number", [0, 1]),
        (
            ["1", "3"],
            ["\u2605\u2606\u2606", "\u2605\u2605\u2606", "\u2605\u2605\u2605"],
            "number",
            [0, 2],
        ),
        (["1", "2"], ["\u2460", "\u2461", "\u2462"], "number", [0, 1]),
        (["1", "2"], ["level 1 of 3", "level 2 of 3", "level 3 of 3"], "number", [0, 1]),
        (["2", "1"], ["\uff11", "\uff12", "\uff13"], "number", [1, 0]),
        (["0", "1"], ["one-way", "return", "other"], "index", [0, 1]),
    ],
)
def test_every_label_is_found_by_one_rule(
    labels: list[str], outputs: list[str], rule: str, found: list[int]
) -> None:
    matching = match_labels(labels, outputs)
    assert (matching.rule, [matching.outputs[label] for label in labels]) == (rule, found)


@pytest.mark.parametrize(
    ("labels", "outputs", "ambiguous", "named"),
    [
        (["a", "b"], ["a", "b", "a"], True, ("a",)),
        (["A", "c"], ["a", "c", "a "], True, ("A",)),
        (["1", "2"], ["Class 1", "Class 2", "other"], True, ("1", "2")),
        (["0", "2"], STARS, True, ("0", "2")),
        (["0", "1", "2"], ["1", "2", "3"], True, ("0", "1", "2")),
        (["0", "1"], ["true", "FALSE"], True, ("0", "1")),
        (["0", "1"], ["10", "20"], True, ("0", "1")),
        (["1", "2"], ["0.5", "1.5", "2.5"], True, ("1", "2")),
        (["1", "5"], ["2", "3", "5"], False, ("1",)),
        (["0", "3"], UNNAMED, False, ("3",)),
        (["-1", "0"], UNNAMED, False, ("-1",)),
        (["0.5", "1"], UNNAMED, False, ("0.5",)),
        (["no", "maybe", "perhaps"], ["no", "yes"], False, ("maybe", "perhaps")),
        (["True", "False"], ["0", "1"], False, ("True", "False")),
        (["1", "star"], STARS, False, ("1", "star")),
        (["A", "c"], ["a", "A ", "b", "a "], False, ("c",)),
    ],
)
def test_labels_that_are_no_output_or_several_are_named(
    labels: list[str], outputs: list[str], ambiguous: bool, named: tuple[str, ...]
) -> None:
    with pytest.raises(LabelError) as caught:
        match_labels(labels, outputs)
    assert (caught.value.ambiguous, caught.value.labels) == (ambiguous, named)


def test_the_rule_of_the_data_has_precedence_for_a_part_of_it() -> None:
    assert match_labels(["1", "2"], STARS).rule == "number"
    assert match_labels(["1", "2"], STARS, "index").outputs == {"1": 1, "2": 2}
    assert match_labels(["1 star", "2 stars"], STARS, "index").rule == "name"


# --- files ----------------------------------------------------------------------------------------


def test_truth_values_are_the_same_names_in_every_format(tmp_path: Path) -> None:
    files = (
        csv(tmp_path / "a.csv", "True", "False"),
        csv(tmp_path / "b.csv", "true", "false"),
        jsonl(tmp_path / "c.jsonl", True, False),
        parquet(tmp_path / "d.parquet", True, False),
    )
    for path in files:
        found = outputs_of(load(path, ("True", "False")))
        assert {name.lower(): index for name, index in found.items()} == {"true": 0, "false": 1}
        assert "True" in refusal(path, ("1", "0")).title()
    assert load(files[2]).labels == ("False", "True")


@pytest.mark.parametrize("value", [1, 1.0, "1", "1.0", Decimal("1.00")])
def test_a_number_is_the_same_label_in_every_type(tmp_path: Path, value: Any) -> None:
    other = type(value)(2)
    write, name = (parquet, "d.parquet") if isinstance(value, Decimal) else (jsonl, "d.jsonl")
    path = write(tmp_path / name, value, other)
    task = load(path, ("2.0", "1.0"))
    assert outputs_of(task) == {str(value): 1, str(other): 0}
    assert load(path).labels == ("1", "2")
    assert sorted(outputs_of(load(path, UNNAMED)).values()) == [1, 2]


def test_leading_zeros_and_outer_spaces_are_kept(tmp_path: Path) -> None:
    codes = csv(tmp_path / "a.csv", "01", "02", "10")
    assert load(codes).labels == ("01", "02", "10")
    assert outputs_of(load(codes, ("10", "02", "01"))) == {"01": 2, "02": 1, "10": 0}
    spaced = csv(tmp_path / "b.csv", "very bad ", " good")
    assert load(spaced).labels == ("good", "very bad")
    assert outputs_of(load(spaced, ("very bad ", " good"))) == {"very bad ": 0, " good": 1}


def test_stars_are_read_by_number_and_said(tmp_path: Path) -> None:
    task = load(csv(tmp_path / "d.csv", "1", "2", "3", "4"), STARS)
    assert outputs_of(task) == {"1": 0, "2": 1, "3": 2, "4": 3}
    assert task.labels == STARS
    assert task.label_rule == "number"
    assert '4 is "4 stars"' in task.notes[0]
    from_zero = load(csv(tmp_path / "e.csv", *"01234"), STARS)
    assert outputs_of(from_zero)["1"] == 1
    assert '1 is "2 stars"' in from_zero.notes[0]


def test_an_absent_class_is_said(tmp_path: Path) -> None:
    (note,) = load(csv(tmp_path / "d.csv", "1", "2"), UNNAMED).notes
    assert 'no row has 0 ("LABEL_0")' in note
    assert load(csv(tmp_path / "e.csv", "0", "1", "2"), UNNAMED).notes == ()


def test_the_alphabetical_order_is_a_guess_that_is_said(tmp_path: Path) -> None:
    path = csv(tmp_path / "d.csv", "low", "medium", "high")
    task = load(path, UNNAMED)
    assert task.labels == ("high", "low", "medium")
    (note,) = task.notes
    assert note.startswith("Warning: ")
    assert "0 = high, 1 = low, 2 = medium" in note
    assert "--labels" in note
    set_by_user = load(path, UNNAMED, labels=("low", "medium", "high"))
    assert set_by_user.labels == ("low", "medium", "high")
    assert outputs_of(set_by_user) == {"low": 0, "medium": 1, "high": 2}
    assert set_by_user.notes == ()
    assert "3 unnamed outputs" in refusal(csv(tmp_path / "e.csv", "low", "high"), UNNAMED)


def test_labels_of_the_user_replace_names_and_are_said(tmp_path: Path) -> None:
    path = csv(tmp_path / "d.csv", "schlecht", "gut")
    task = load(path, ("neg", "pos"), labels=("Schlecht", "Gut"))
    assert task.labels == ("Schlecht", "Gut")
    assert outputs_of(task) == {"schlecht": 0, "gut": 1}
    assert 'Schlecht is "neg", Gut is "pos"' in task.notes[0]
    assert load(path, labels=("schlecht", "gut")).labels == ("schlecht", "gut")


@pytest.mark.parametrize(
    ("labels", "words"),
    [
        (("gut",), "do not match the 2 outputs"),
        (("gut", "schlecht", "neutral"), "do not match the 2 outputs"),
        (("gut", "gut"), "set different names"),
        (("gut", ""), "set different names"),
        ((), "do not match the 2 outputs"),
        (("gut", "neutral"), 'The label "schlecht" (line 2)'),
    ],
)
def test_labels_of_the_user_that_do_not_fit(
    tmp_path: Path, labels: tuple[str, ...], words: str
) -> None:
    path = csv(tmp_path / "d.csv", "schlecht", "gut")
    assert words in refusal(path, ("neg", "pos"), labels=labels)


def test_outputs_with_one_name_are_kept_apart_by_index(tmp_path: Path) -> None:
    outputs = ("a", "b", "a")
    sentence = refusal(csv(tmp_path / "d.csv", "a", "b"), outputs)
    assert 'outputs 0 and 2 are named "a"' in sentence
    task = load(csv(tmp_path / "e.csv", "0", "1", "2"), outputs)
    assert task.labels == ("a (0)", "b", "a (2)")
    assert outputs_of(task) == {"0": 0, "1": 1, "2": 2}
    assert match_labels(["a (2)", "b"], task.labels).outputs == {"a (2)": 2, "b": 1}
    given = load(csv(tmp_path / "f.csv", "x", "y"), outputs, labels=("x", "y", "z"))
    assert outputs_of(given) == {"x": 0, "y": 1}


def test_an_unknown_label_is_named_with_its_place(tmp_path: Path) -> None:
    path = csv(tmp_path / "d.csv", "no", "yes")
    with path.open("a") as file:
        file.write("new one,perhaps\nanother,maybe\n")
    sentence = refusal(path, ("no", "yes"))
    assert '"maybe" (line 63), "perhaps" (line 62)' in sentence
    assert "its outputs are: no, yes." in sentence
    numbers = refusal(csv(tmp_path / "e.csv", "0", "3"), ("neg", "pos", "neutral"))
    assert '"3" (line 3)' in numbers
    assert "its outputs are 0 to 2: neg, pos, neutral." in numbers


# --- missing labels -------------------------------------------------------------------------------


@pytest.mark.parametrize("missing", [math.nan, None, "", "  ", "nan", "NaN"])
def test_missing_labels_are_refused_with_their_rows_or_dropped(
    tmp_path: Path, missing: Any
) -> None:
    path = jsonl(tmp_path / "d.jsonl", 0.0, 1.0, missing)
    sentence = refusal(path)
    assert "20 problems" in sentence
    assert "line 3, line 6" in sentence
    assert "--drop-missing" in sentence
    task = load(path, drop_missing=True)
    assert task.labels == ("0", "1")
    assert task.notes == ("20 rows without a label were dropped.",)
    assert sum(map(len, task.splits.values())) == 40


def test_missing_labels_of_parquet(tmp_path: Path) -> None:
    path = parquet(tmp_path / "d.parquet", 0.0, 1.0, math.nan, 1.0, 0.0, None)
    assert "row 3, row 6, row 9" in refusal(path)
    assert load(path, drop_missing=True).notes == ("20 rows without a label were dropped.",)


def test_a_class_may_be_called_nan_or_none(tmp_path: Path) -> None:
    path = csv(tmp_path / "d.csv", "nan", "yue")
    assert outputs_of(load(path, ("yue", "NAN"))) == {"nan": 1, "yue": 0}
    assert load(path, labels=("yue", "nan")).notes == ()
    assert "the label is missing" in refusal(path)
    words = csv(tmp_path / "e.csv", "None", "toxic")
    assert load(words, ("none", "toxic")).notes == ()
    (note,) = load(words).notes
    assert '"None" (30 rows)' in note
    numbers = csv(tmp_path / "f.csv", "0", "1", "null")
    assert "the label is missing" in refusal(numbers)
    assert load(numbers, drop_missing=True).labels == ("0", "1")


def test_what_is_no_label_is_refused_all_at_once(tmp_path: Path) -> None:
    path = jsonl(tmp_path / "d.jsonl", "a", ["a", "b"], {"a": 1}, None)
    sentence = refusal(path)
    assert "line 2, line 6" in sentence
    assert "multi-label" in sentence
    assert "the dict" in sentence
    assert "the label is missing" in sentence
    infinite = jsonl(tmp_path / "e.jsonl", 0.0, 1.0, math.inf)
    assert "line 3, line 6" in refusal(infinite, drop_missing=True)
    dates = parquet(tmp_path / "d.parquet", date(2024, 1, 1), date(2024, 1, 2))
    assert "the label is the date" in refusal(dates)


def test_a_description_has_the_notes(tmp_path: Path) -> None:
    path = csv(tmp_path / "d.csv", "Spam", "spam", "ham")
    described = describe_task(resolve_task(str(path)), None)
    assert described["labels"] == ["Spam", "ham", "spam"]
    assert described["notes"] == [
        'The labels "Spam", "spam" differ only in case, and are 2 classes.'
    ]
