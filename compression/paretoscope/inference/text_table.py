"""Answers of several models to a list of texts: which texts they disagree on, and as CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from paretoscope.inference.text_run import TextAnswer


@dataclass(frozen=True)
class TextRow:
    """A text with the predicted label and its probability, by model."""

    at: int
    text: str
    labels: Mapping[str, str]
    probabilities: Mapping[str, float]
    cut: bool

    @property
    def different(self) -> int:
        """The number of different labels."""
        return len(set(self.labels.values()))

    @property
    def gap(self) -> float:
        """The distance of the highest and the lowest probability."""
        shares = self.probabilities.values()
        return max(shares) - min(shares)


def text_rows(
    texts: Sequence[str],
    labels: Mapping[str, Sequence[str]],
    answers: Mapping[str, Sequence[TextAnswer]],
) -> list[TextRow]:
    """The texts that every model has answered, those with the most different labels first.

    Texts with as many labels are sorted by the gap of the probabilities, the largest first.
    """
    complete = min((len(found) for found in answers.values()), default=0)
    rows = [_row(at, texts[at], labels, answers) for at in range(complete)]
    return sorted(rows, key=lambda row: (-row.different, -row.gap, row.at))


def _row(
    at: int,
    text: str,
    labels: Mapping[str, Sequence[str]],
    answers: Mapping[str, Sequence[TextAnswer]],
) -> TextRow:
    tops = {
        key: max(range(len(names)), key=answers[key][at].probabilities.__getitem__)
        for key, names in labels.items()
    }
    return TextRow(
        at,
        text,
        {key: labels[key][top] for key, top in tops.items()},
        {key: answers[key][at].probabilities[top] for key, top in tops.items()},
        any(answers[key][at].cut for key in tops),
    )


def text_rows_csv(rows: Sequence[TextRow], names: Mapping[str, str]) -> str:
    """The rows as CSV, a column for the label and the probability of each model of `names`."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    columns = [f"{name}{part}" for name in names.values() for part in ("", " probability")]
    writer.writerow(["row", "text", "different labels", "truncated", *columns])
    for row in rows:
        cells = [
            cell for key in names for cell in (row.labels[key], f"{row.probabilities[key]:.4f}")
        ]
        writer.writerow([row.at + 1, row.text, row.different, row.cut, *cells])
    return out.getvalue()
