"""Confusion counts and class accuracies against plain counting."""

from __future__ import annotations

import numpy as np
import pytest

from paretoscope.statistics.classes import class_accuracies, confusion
from paretoscope.statistics.intervals import wilson


def test_counts_are_those_of_counting_one_by_one() -> None:
    random = np.random.default_rng(3)
    labels, predicted = random.integers(5, size=300), random.integers(5, size=300)
    counts = confusion(labels, predicted, 6)
    for true in range(6):
        for of in range(6):
            pairs = zip(labels, predicted, strict=True)
            assert counts[true, of] == sum(pair == (true, of) for pair in pairs)


def test_accuracies_are_shares_of_the_true_class_with_wilson_intervals() -> None:
    found = class_accuracies(np.array([[8, 2, 0], [0, 0, 0], [1, 0, 3]]))
    assert found[1] is None, "no text has this class"
    first, last = found[0], found[2]
    assert first
    assert last
    assert (first.n, first.correct, first.value) == (10, 8, 0.8)
    assert (first.low, first.high) == wilson(8, 10)
    assert last.value == pytest.approx(0.75)
