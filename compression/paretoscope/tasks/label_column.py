"""The label column of a data file: which labels are missing, and which are no labels at all.

Which output of a model a label is, is decided in `tasks/label_matching.py`.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from paretoscope.errors import Problems
from paretoscope.tasks.label_matching import folded, label_text, listed, number

NAN = "nan"
"""A missing label in text form, in any case, unless a class has this name."""
PLACEHOLDERS = ("null", "none", "na", "n/a", "<na>", "nat", "#n/a")
"""Texts that are missing labels among numbers; among names they are a class, with a note."""
_MISSING = "the label is missing; fill it in, or drop such rows with --drop-missing."


@dataclass(frozen=True)
class LabelColumn:
    """The label of each row as text, None for a dropped row, and notes for every result."""

    labels: list[str | None]
    notes: tuple[str, ...] = ()


def read_labels(
    values: Sequence[Any],
    places: Sequence[str],
    problems: Problems,
    *,
    drop_missing: bool = False,
    known: Collection[str] = (),
) -> LabelColumn:
    """The texts of labels from any file format; what cannot be a label is added to `problems`.

    `known` are names of classes: a label with such a name is never missing.
    """
    names = {folded(name) for name in known}
    labels: list[str | None] = []
    for value, place in zip(values, places, strict=True):
        wrong = _wrong(value)
        if wrong:
            problems.add(place, wrong)
        labels.append(None if wrong else label_text(value))
    numeric = _all_numbers(labels, names)
    labels = [
        None if label and _stands_for_none(label, names, numeric) else label for label in labels
    ]
    if not drop_missing:
        for value, label, place in zip(values, labels, places, strict=True):
            if label is None and not _wrong(value):
                problems.add(place, _MISSING)
    dropped = labels.count(None)
    were = "1 row without a label was" if dropped == 1 else f"{dropped:,} rows without a label were"
    notes = (f"{were} dropped.",) if dropped else ()
    return LabelColumn(labels, (*notes, *_placeholder_notes(labels, names)))


def _wrong(value: Any) -> str:
    """Why a value is no label; empty for a label or a missing one."""
    kind = type(value).__name__
    if kind in ("list", "tuple", "set", "ndarray"):
        return (
            f"the label is the {kind} {value!r:.40}; give one name or number for each text, because"
            " several labels for one text (multi-label) are not supported."
        )
    usable = value is None or isinstance(value, str | int | float | Decimal)
    if not usable and value == value:
        return f"the label is the {kind} {value!r:.40}; a label must be one name or one number."
    if isinstance(value, float | Decimal) and abs(value) == math.inf:
        return "the label is infinite; correct it or remove the row."
    try:
        str(value).encode()
    except UnicodeEncodeError:
        return "the label contains an unpaired surrogate, which is not a character; remove it."
    return ""


def _all_numbers(labels: Sequence[str | None], names: Collection[str]) -> bool:
    """Whether all labels are numbers, except for texts that stand for a missing label."""
    texts = {label for label in labels if label is not None}
    others = [text for text in texts if not _stands_for_none(text, names, numeric=True)]
    return bool(others) and all(number(text) is not None for text in others)


def _stands_for_none(label: str, names: Collection[str], numeric: bool) -> bool:
    text = folded(label)
    return text not in names and (text == NAN or (numeric and text in PLACEHOLDERS))


def _placeholder_notes(labels: Sequence[str | None], names: Collection[str]) -> tuple[str, ...]:
    counts = Counter(label for label in labels if label and folded(label) in PLACEHOLDERS)
    found = [f'"{label}" ({n:,} rows)' for label, n in counts.items() if folded(label) not in names]
    if not found:
        return ()
    return (f"The label {listed(found)} was read as the name of a class, not as a missing label.",)
