"""Calibration against plain formulas, and properties of the interval."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from numpy.typing import NDArray

from paretoscope.statistics.calibration import BINS, calibration
from paretoscope.statistics.intervals import wilson


def example(n: int = 700, sharpness: float = 2.0) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    random = np.random.default_rng(7)
    logits = random.normal(size=(n, 4)) * 1.5
    shares = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    labels = np.array([random.choice(4, p=row) for row in shares])
    return logits * sharpness, labels  # calibrated at a sharpness of 1


def plain_ece(logits: NDArray[np.float64], labels: NDArray[np.int64], edges: list[float]) -> float:
    """Guo et al. 2017, equation 3, example by example."""
    total = 0.0
    for low, high in pairwise(edges):
        inside: list[tuple[float, bool]] = []
        for row, label in zip(logits, labels, strict=True):
            shares = np.exp(row) / np.exp(row).sum()
            if low < shares.max() <= high or (low == 0 and shares.max() == 0):
                inside.append((float(shares.max()), int(row.argmax()) == label))
        if inside:
            accuracy = sum(right for _, right in inside) / len(inside)
            confidence = sum(share for share, _ in inside) / len(inside)
            total += len(inside) / len(labels) * abs(accuracy - confidence)
    return total


def test_ece_of_equal_width_is_that_of_the_formula() -> None:
    logits, labels = example()
    edges = [at / BINS for at in range(BINS + 1)]
    assert calibration(logits, labels).ece == pytest.approx(plain_ece(logits, labels, edges))


def test_bins_of_equal_mass_have_equally_many_predictions() -> None:
    logits, labels = example()
    found = calibration(logits, labels, binning="equal mass", bins=10)
    assert [each.n for each in found.bins] == [70] * 10
    edges = [found.bins[0].low, *(each.high for each in found.bins)]
    assert found.ece == pytest.approx(plain_ece(logits, labels, edges))


def test_bins_add_up_and_have_wilson_intervals() -> None:
    logits, labels = example()
    found = calibration(logits, labels)
    assert sum(each.n for each in found.bins) == found.n == 700
    right = sum(each.n * each.accuracy for each in found.bins)
    assert right == pytest.approx((logits.argmax(axis=1) == labels).sum())
    for each in found.bins:
        assert each.low < each.confidence <= each.high
        ends = wilson(round(each.n * each.accuracy), each.n)
        assert (each.accuracy_low, each.accuracy_high) == ends


def test_the_interval_tells_an_overconfident_model_from_a_calibrated_one() -> None:
    good, bad = (calibration(*example(2000, sharpness)) for sharpness in (1.0, 2.5))
    assert good.ece_low <= good.ece <= good.ece_high
    assert good.ece_high < bad.ece_low
    again = calibration(*example(2000, 2.5))
    assert (again.ece_low, again.ece_high) == (bad.ece_low, bad.ece_high)


def test_certain_and_right_is_calibrated() -> None:
    found = calibration(np.eye(3) * 100, np.arange(3))
    assert (found.ece, found.ece_low, len(found.bins)) == (pytest.approx(0), 0.0, 1)


def test_no_examples_and_other_lengths_are_refused() -> None:
    for logits, labels in ((np.empty((0, 2)), np.empty(0, int)), (np.eye(2), np.zeros(3, int))):
        with pytest.raises(ValueError, match="do not match"):
            calibration(logits, labels)
