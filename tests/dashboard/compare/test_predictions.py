"""Predictions on Compare: two models on the same texts, classes, calibration and confusion."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from benchmarks.study_samples import write_study_samples
from paretoscope.dashboard.compare import chosen_models, predictions
from paretoscope.dashboard.shell import data
from paretoscope.store.store import Store
from paretoscope.trials.study_samples import study_samples_file
from paretoscope.trials.trial import TrialDocument
from paretoscope.workspace import Workspace
from tests.dashboard.compare.conftest import Keep
from tests.dashboard.conftest import Open, charts, here, words

BASELINE, INT8, *_ = here()
LABELS = [0, 1, 1]
RIGHT = [[1, 0], [0, 1], [1, 0]]
OTHER = [[1, 0], [1, 0], [0, 1]]


def kinds(app: Any) -> list[str]:
    """The type of the first trace of each figure."""
    found: list[Any] = charts(app)
    return [chart["data"][0]["type"] for chart in found]


def test_texts_of_other_data_are_not_shown(
    open_page: Open, full: list[TrialDocument], keep: Keep
) -> None:
    keep(BASELINE, RIGHT, LABELS)
    keep(INT8, OTHER, LABELS)
    app = open_page("compare", pick=[BASELINE.trial_id, INT8.trial_id])
    text = words(app)
    assert "(1 lost, 1 gained)" in text
    assert "Same prediction for 33.3 % of 3 texts." in text
    assert "The data has changed since the measurement." in text
    assert kinds(app).count("heatmap") == 2
    assert not app.dataframe


def test_two_real_trials_are_compared_by_text(
    open_page: Open, measured: dict[str, str | list[str]]
) -> None:
    app = open_page("compare", **measured)
    text = words(app)
    assert " of 36 texts." in text
    assert predictions.BY_CLASS in text
    assert predictions.CALIBRATION in text
    figures: list[Any] = charts(app)
    by_class, reliability, *matrices, curves = figures
    assert [trace["name"] for trace in by_class["data"]] == ["Baseline", "1-layer student"]
    assert [trace["name"] for trace in reliability["data"][1:]] == ["Baseline", "1-layer student"]
    assert "(ECE): Baseline " in text
    for matrix in matrices:
        cells = [cell for row in matrix["data"][0]["text"] for cell in row if cell]
        assert sum(int(cell.split(">")[1].split("<")[0]) for cell in cells) == 36
    assert [trace["name"][0] for trace in curves["data"]][::2] == ["★", "◆"]


def test_lost_and_gained_texts_are_filtered_and_the_filter_is_in_the_link(
    open_page: Open, measured: dict[str, str | list[str]]
) -> None:
    app = open_page("compare", **measured)
    table: Any = app.dataframe[0].value
    differences = [abs(value) for value in table["Difference"]]
    assert differences == sorted(differences, reverse=True)
    assert all(table["First"] != table["Second"])
    first = table["Text"][0]
    app.text_input(key="contains").set_value(first).run()
    assert list(app.dataframe[0].value["Text"]) == [first]
    assert first in app.query_params["contains"]
    app.text_input(key="contains").set_value("").run()
    wanted = table["Outcome"][0]
    again = open_page("compare", **measured, right=wanted)
    assert set(again.dataframe[0].value["Outcome"]) == {wanted}


def test_the_demo_study_has_predictions_and_texts_of_its_task(
    open_page: Open,
    demo: list[TrialDocument],
    keep: Keep,
    store: Store,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    split = data.examples(demo[0], demo=True)
    labels = split.labels.tolist()
    right = [[float(at == label) * 9 for at in range(6)] for label in labels]
    wrong = [[*row[1:], row[0]] if at < 5 else row for at, row in enumerate(right)]
    keep(demo[0], right, labels)
    keep(demo[1], wrong, labels)
    ids = [each.trial_id for each in demo[:2]]
    write_study_samples(study_samples_file("minilm-trec"), Workspace.at(store.root), ids)
    shutil.rmtree(store.root / "samples")
    app = open_page("compare", pick=ids)
    text = words(app)
    assert chosen_models.NO_SAMPLES not in text
    assert "5 lost, 0 gained" in text
    table: Any = app.dataframe[0].value
    assert set(table["Text"]) == set(split.texts[:5])
    assert set(table["Outcome"]) == {"lost"}
    assert "scatter" in kinds(app)
