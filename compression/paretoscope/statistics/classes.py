"""Predictions by class: confusion counts, and the accuracy of each class with its interval."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from paretoscope.statistics.intervals import wilson


@dataclass(frozen=True)
class ClassAccuracy:
    """`correct` of the `n` examples of a class: their share with its 95 % Wilson interval."""

    n: int
    correct: int
    value: float
    low: float
    high: float


def confusion(
    labels: NDArray[np.integer], predicted: NDArray[np.integer], classes: int
) -> NDArray[np.int64]:
    """Counts [true class, predicted class].

    >>> confusion(np.array([0, 0, 1]), np.array([0, 1, 1]), 2).tolist()
    [[1, 1], [0, 1]]
    """
    counts = np.bincount(np.asarray(labels) * classes + predicted, minlength=classes * classes)
    return counts.reshape(classes, classes)


def class_accuracies(counts: NDArray[np.integer]) -> list[ClassAccuracy | None]:
    """The accuracy (recall) of each class from confusion counts; None for one without examples.

    >>> found = class_accuracies(np.array([[3, 1], [0, 0]]))
    >>> found[0].value, found[1]
    (0.75, None)
    """
    found: list[ClassAccuracy | None] = []
    for at, row in enumerate(counts):
        n, correct = int(row.sum()), int(row[at])
        found.append(ClassAccuracy(n, correct, correct / n, *wilson(correct, n)) if n else None)
    return found
