"""Calibration of a classifier: whether its confidence is the share of correct predictions.

The confidence of a prediction is its probability. Predictions are grouped into bins by confidence;
the expected calibration error (ECE) is the mean distance of confidence and accuracy over the bins,
weighted by their sizes (Naeini et al. 2015; Guo et al. 2017).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from paretoscope.statistics.intervals import CONFIDENCE, log_softmax, wilson

Binning = Literal["equal width", "equal mass"]
BINS = 10
"""Bins of a reliability diagram, as in Guo et al. 2017, figure 4."""


@dataclass(frozen=True)
class Bin:
    """The `n` predictions with a confidence within (low, high]: mean `confidence`, and `accuracy`
    with its 95 % Wilson interval. All are fractions.
    """

    low: float
    high: float
    n: int
    confidence: float
    accuracy: float
    accuracy_low: float
    accuracy_high: float


@dataclass(frozen=True)
class Calibration:
    """The non-empty bins of `n` predictions, and their ECE with a 95 % interval (fractions)."""

    bins: tuple[Bin, ...]
    n: int
    ece: float
    ece_low: float
    ece_high: float


def calibration(
    logits: NDArray[np.floating],
    labels: NDArray[np.integer],
    *,
    binning: Binning = "equal width",
    bins: int = BINS,
) -> Calibration:
    """The calibration of `logits` [n, classes] for the classes `labels` [n].

    Raises `ValueError` when there is no example or the two do not match.

    >>> sure = np.log([[0.9, 0.1]] * 10)
    >>> found = calibration(sure, np.array([0] * 8 + [1] * 2))
    >>> [(each.n, round(each.confidence, 2), each.accuracy) for each in found.bins]
    [(10, 0.9, 0.8)]
    >>> round(found.ece, 3)
    0.1
    """
    if len(logits) != len(labels) or len(labels) == 0:
        raise ValueError(f"{len(logits)} predictions do not match {len(labels)} labels")
    confidence = confidences(logits)
    right = (np.asarray(logits).argmax(axis=1) == labels).astype(np.float64)
    edges = _edges(confidence, binning, bins)
    of_bin = np.clip(np.searchsorted(edges, confidence, side="left") - 1, 0, len(edges) - 2)
    found = [
        _bin(float(edges[at]), float(edges[at + 1]), confidence[of_bin == at], right[of_bin == at])
        for at in np.unique(of_bin)
    ]
    value = expected_error(confidence - right, of_bin, len(edges) - 1)
    low, high = _interval(confidence - right, of_bin, len(edges) - 1)
    return Calibration(tuple(found), len(labels), value, low, high)


def confidences(logits: NDArray[np.floating]) -> NDArray[np.float64]:
    """The probability of each prediction: [n, classes] -> [n]."""
    return np.exp(log_softmax(np.asarray(logits, dtype=np.float64))).max(axis=1)


def expected_error(gaps: NDArray[np.float64], of_bin: NDArray[np.integer], bins: int) -> float:
    """The ECE from `gaps` (confidence minus correctness) [n] and the bin of each prediction [n].

    A bin of m of n predictions weighs m/n, so its term is the absolute sum of its gaps over n.
    """
    sums = np.bincount(of_bin, weights=gaps, minlength=bins)
    return float(np.abs(sums).sum() / len(gaps))


def _edges(confidence: NDArray[np.float64], binning: Binning, bins: int) -> NDArray[np.float64]:
    """Ends of the bins, ascending from 0 to 1: [bins + 1], fewer where quantiles coincide."""
    if binning == "equal width":
        return np.linspace(0, 1, bins + 1)
    inner = np.quantile(confidence, np.linspace(0, 1, bins + 1)[1:-1])
    return np.unique(np.concatenate([[0.0], inner, [1.0]]))


def _bin(
    low: float, high: float, confidence: NDArray[np.float64], right: NDArray[np.float64]
) -> Bin:
    n, correct = len(right), int(right.sum())
    ends = wilson(correct, n)
    return Bin(low, high, n, float(confidence.mean()), correct / n, *ends)


def _interval(
    gaps: NDArray[np.float64],
    of_bin: NDArray[np.integer],
    bins: int,
    *,
    replicates: int = 1000,
    seed: int = 0,
) -> tuple[float, float]:
    """The basic bootstrap interval of the ECE over examples, at least 0; deterministic.

    The ECE of few examples is too high, and that of a resample is too high once more. The basic
    interval subtracts this bias, the percentile interval would double it (Davison and Hinkley 1997,
    section 5.2).
    """
    n, value = len(gaps), expected_error(gaps, of_bin, bins)
    drawn = np.random.default_rng(seed).integers(n, size=(replicates, n))
    keys = of_bin[drawn] + bins * np.arange(replicates)[:, None]
    sums = np.bincount(keys.ravel(), weights=gaps[drawn].ravel(), minlength=bins * replicates)
    values = np.abs(sums.reshape(replicates, bins)).sum(axis=1) / n
    tail = (1 - CONFIDENCE) / 2
    low, high = np.quantile(values, [tail, 1 - tail])
    return max(0.0, 2 * value - float(high)), max(value, 2 * value - float(low))
