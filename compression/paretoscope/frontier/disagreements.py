"""The examples on which two models predict different classes.

The paired test on all examples is `frontier/comparison.py`'s.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from paretoscope.frontier.comparison import unpaired
from paretoscope.statistics.intervals import log_softmax
from paretoscope.trials.samples import Samples

Outcome = Literal["lost", "gained", "both wrong"]
"""Which model predicts the label of an example: only the first, only the second, or neither."""


@dataclass(frozen=True)
class Disagreement:
    """An example for which two models predict different classes.

    `place` is its index in the split, `label` and `answers` are indices of classes,
    `probabilities` are those of the two predicted classes, and `difference` is the change of the
    label's probability from the first to the second model.
    """

    place: int
    label: int
    answers: tuple[int, int]
    probabilities: tuple[float, float]
    difference: float = 0.0

    @property
    def outcome(self) -> Outcome:
        """
        >>> Disagreement(0, 2, (2, 1), (0.9, 0.6)).outcome
        'lost'
        >>> Disagreement(0, 2, (0, 1), (0.9, 0.6)).outcome
        'both wrong'
        """
        if self.answers[0] == self.label:
            return "lost"
        return "gained" if self.answers[1] == self.label else "both wrong"


def disagreements(first: Samples, second: Samples) -> list[Disagreement]:
    """All disagreements, those with the largest difference of the label's probability first.

    Raises `ValueError` when the models were not measured on the same examples.
    """
    reason = unpaired(first, second)
    if reason or first.labels is None or first.logits is None or second.logits is None:
        raise ValueError(f"no disagreements: {reason}")
    probabilities = [
        np.exp(log_softmax(logits.astype(np.float64))) for logits in (first.logits, second.logits)
    ]
    predicted = [each.argmax(axis=1) for each in probabilities]
    highest = [each.max(axis=1) for each in probabilities]
    of_label = [each[np.arange(len(each)), first.labels] for each in probabilities]
    change = of_label[1] - of_label[0]
    (differing,) = np.nonzero(predicted[0] != predicted[1])
    ordered = differing[np.argsort(-np.abs(change[differing]), kind="stable")]
    return [
        Disagreement(
            int(at),
            int(first.labels[at]),
            (int(predicted[0][at]), int(predicted[1][at])),
            (float(highest[0][at]), float(highest[1][at])),
            float(change[at]),
        )
        for at in ordered
    ]


def disagreements_csv(
    found: Sequence[Disagreement],
    ids: Sequence[str],
    texts: Sequence[str],
    labels: Sequence[str],
    names: tuple[str, str],
) -> str:
    """The examples as CSV.

    `ids` and `texts` are those of the split, `labels` the names of the classes, `names` those of
    the two models.
    """
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    predictions = [f"{name}{column}" for name in names for column in ("", " probability")]
    writer.writerow(["id", "text", "label", *predictions, "difference", "outcome"])
    for each in found:
        predicted = [
            part
            for answer, probability in zip(each.answers, each.probabilities, strict=True)
            for part in (labels[answer], f"{probability:.4f}")
        ]
        known = ids[each.place], texts[each.place], labels[each.label]
        writer.writerow([*known, *predicted, f"{each.difference:+.4f}", each.outcome])
    return out.getvalue()
