"""Logistic regression with cross-validated regularization, and its logits in an ONNX graph."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits  # pyright: ignore[reportMissingTypeStubs]

from paretoscope.errors import TaskError
from paretoscope.graphs.graph import Graph
from paretoscope.references.scikit import (
    ConvergenceWarning,
    LogisticRegression,
    StratifiedKFold,
    clone,
)

Array = NDArray[Any]
FOLDS = 3
MOST_STEPS = 2_000
"""Steps of the solver (L-BFGS) at which it stops unless it converged before."""
ABSENT = -100.0
"""Logit of a class that no training text has."""


@dataclass(frozen=True, eq=False)
class Fitted:
    """The `extractor` of features and the `classifier`, both of scikit-learn and fitted.

    `strength` is the inverse regularization C, and `accuracy` that of its cross-validation.
    """

    extractor: Any
    classifier: Any
    classes: int
    strength: float
    accuracy: float

    def logits(self, texts: Sequence[Any]) -> Array:
        """scikit-learn's logits [texts, classes].

        It has one decision value for two classes; their logits are minus and plus half of it.
        """
        decisions = self.classifier.decision_function(self.extractor.transform(texts))
        spread, absent = self._spread()
        return decisions.reshape(len(texts), -1) @ spread + absent

    @property
    def weights(self) -> Array:
        """Weights [features, decision values]."""
        return self.classifier.coef_.T

    @property
    def intercept(self) -> Array:
        """The constant of each decision value."""
        return self.classifier.intercept_

    def add_logits(self, graph: Graph, decisions: str, intercept: Array) -> None:
        """Add the operators from decision values [batch, values] to the output "logits"."""
        spread, absent = self._spread()
        if not np.array_equal(spread, np.identity(self.classes)):
            matrix = graph.constant("classes", spread.astype(np.float32))
            decisions = graph.node("MatMul", [decisions, matrix], "spread")
        bias = graph.constant("bias", (intercept @ spread + absent).astype(np.float32))
        graph.node("Add", [decisions, bias], "logits")

    def _spread(self) -> tuple[Array, Array]:
        """Matrix [decision values, classes] and constants [classes] from decisions to logits."""
        seen = self.classifier.classes_
        absent = np.full(self.classes, ABSENT)
        absent[seen] = 0.0
        identity = np.identity(self.classes)[seen]
        if len(seen) == 2:
            return (identity[1:] - identity[:1]) / 2, absent
        return identity, absent


@dataclass(frozen=True, eq=False)
class Labelled:
    """What is the same for all features: the class of each text [texts] and the number of classes.

    `seed` shuffles the folds, and `progress` is called after each step with the number of steps.
    """

    labels: Array
    classes: int
    seed: int
    progress: Callable[[int, int], None]


def fit(
    extractor: Any, texts: Sequence[Any], labelled: Labelled, strengths: Sequence[float]
) -> Fitted:
    """Fit `extractor` and a classifier to texts.

    Each of `strengths` is tried in a stratified cross-validation; the most accurate one is used,
    of equal ones the first. Raises `TaskError` when the texts have fewer than two classes, or no
    class has two texts.
    """
    labels = labelled.labels
    folds = min(FOLDS, int(np.bincount(labels).max(initial=0)))
    if len(np.unique(labels)) < 2 or folds < 2:
        raise TaskError(
            "A reference point needs training texts of at least two labels, and two texts of one;"
            " add examples."
        )
    splitter = StratifiedKFold(folds, shuffle=True, random_state=labelled.seed)
    accuracies: list[list[float]] = []
    # On matrices this small, several threads mostly wait for each other.
    with threadpool_limits(limits=1), warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # a label with fewer texts than folds
        warnings.simplefilter("ignore", ConvergenceWarning)
        for number, (train, held_out) in enumerate(splitter.split(labels, labels), start=1):
            accuracies.append(_accuracies(extractor, texts, labels, (train, held_out), strengths))
            labelled.progress(number, folds + 1)
        means = np.mean(accuracies, axis=0)
        best = int(means.argmax())
        features = extractor.fit_transform(texts)
        classifier = _regression(strengths[best]).fit(features, labels)
    labelled.progress(folds + 1, folds + 1)
    return Fitted(extractor, classifier, labelled.classes, strengths[best], float(means[best]))


def _accuracies(
    extractor: Any,
    texts: Sequence[Any],
    labels: Array,
    split: tuple[Array, Array],
    strengths: Sequence[float],
) -> list[float]:
    """Accuracy of each strength on the texts that are held out."""
    train, held_out = split
    if len(np.unique(labels[train])) < 2:
        return [0.0] * len(strengths)
    fresh = clone(extractor)
    fitted = fresh.fit_transform([texts[index] for index in train])
    others = fresh.transform([texts[index] for index in held_out])
    return [
        float(_regression(each).fit(fitted, labels[train]).score(others, labels[held_out]))
        for each in strengths
    ]


def _regression(strength: float) -> Any:
    return LogisticRegression(C=strength, max_iter=MOST_STEPS)
