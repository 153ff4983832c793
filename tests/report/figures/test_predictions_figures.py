"""Confusion matrix, accuracy by class and reliability diagram: values, scales and intervals."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest

from paretoscope.report.figures.class_accuracy import ModelClasses, class_accuracy_figure
from paretoscope.report.figures.confusion import (
    MOST_NUMBERED,
    SCALES,
    cell_color,
    confusion_figure,
    relative_luminance,
    text_color,
)
from paretoscope.report.figures.palette import background
from paretoscope.report.figures.reliability import (
    ModelCalibration,
    ece_in_words,
    reliability_figure,
)
from paretoscope.statistics.calibration import calibration
from paretoscope.statistics.classes import class_accuracies

COUNTS = np.array([[9, 1], [0, 4]])


@pytest.mark.parametrize("dark", [False, True])
def test_a_matrix_has_counts_shares_and_one_scale(dark: bool) -> None:
    figure: Any = confusion_figure(COUNTS, ["yes", "no"], dark=dark)
    (cells,) = figure.data
    texts = [[re.sub(r"</?span[^>]*>", "", cell) for cell in row] for row in cells.text]
    assert texts == [["9<br>90 %", "1<br>10 %"], ["", "4<br>100 %"]]
    assert (cells.zmin, cells.zmax) == (0, 1)
    assert cells.hovertext[0][1].endswith("1 of 10 (10.0 %)")
    assert SCALES[dark][0][1] == background(dark).paper, "an empty cell is the page"
    assert figure.layout.yaxis.autorange == "reversed"


@pytest.mark.parametrize("dark", [False, True])
def test_numbers_are_readable_on_every_cell(dark: bool) -> None:
    for share in np.linspace(0.001, 1, 101):
        cell = relative_luminance(cell_color(share, dark)) + 0.05
        text = 1.05 if text_color(share, dark) == "#FFFFFF" else 0.05
        assert max(cell, text) / min(cell, text) >= 4.5, "WCAG AA"


def test_many_classes_have_numbers_in_the_hover_text_only() -> None:
    classes = [f"class {at}" for at in range(MOST_NUMBERED + 1)]
    figure: Any = confusion_figure(np.eye(len(classes), dtype=int), classes)
    assert figure.data[0].text is None
    assert "1 of 1" in figure.data[0].hovertext[3][3]


def test_classes_are_sorted_by_size_and_models_keep_apart() -> None:
    models = [
        ModelClasses("one", "chain", class_accuracies(COUNTS.T[::-1, ::-1])),
        ModelClasses("other", "chain", class_accuracies(COUNTS.T[::-1, ::-1])),
    ]
    figure: Any = class_accuracy_figure(models, ["small", "large"])
    assert list(figure.layout.yaxis.ticktext) == ["large (9)", "small (5)"]
    first, second = figure.data
    assert list(first.x) == [100.0, 80.0]
    assert all(one < other for one, other in zip(first.y, second.y, strict=True))
    assert first.marker.symbol != second.marker.symbol
    assert first.error_x.arrayminus[1] > first.error_x.array[1] > 0


def test_a_reliability_diagram_shows_bins_ece_and_intervals_of_two_models() -> None:
    random = np.random.default_rng(0)
    logits, labels = random.normal(size=(300, 3)) * 2, random.integers(3, size=300)
    found = calibration(logits, labels)
    models = [ModelCalibration(name, "pruning", found) for name in "abc"]
    two: Any = reliability_figure(models[:2])
    three: Any = reliability_figure(models)
    diagonal, first, second = two.data
    assert list(diagonal.x) == list(diagonal.y)
    assert list(first.x) == [100 * each.confidence for each in found.bins]
    assert list(first.y) == [100 * each.accuracy for each in found.bins]
    assert (first.name, second.name) == ("a", "b")
    assert ece_in_words(found).startswith(f"{100 * found.ece:.1f} % [")
    assert first.line.dash != second.line.dash
    assert len(first.error_y.array) == len(found.bins)
    assert three.data[1].error_y.array is None
    sizes = dict(zip(first.marker.size, (each.n for each in found.bins), strict=True))
    assert sizes[max(sizes)] == max(each.n for each in found.bins)
