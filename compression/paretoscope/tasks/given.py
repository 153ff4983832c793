"""Splits and groups that columns of a data file name."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from paretoscope.errors import Problems
from paretoscope.tasks.duplicates import normalize

SPLIT_NAMES: dict[str, tuple[str, ...]] = {
    "train": ("train", "training", "trn"),
    "calibration": ("calibration", "calib", "cal"),
    "validation": ("validation", "valid", "val", "dev", "development", "eval", "evaluation"),
    "test": ("test", "testing", "tst", "holdout", "heldout"),
}
"""Names of each split in a split column, in any case and with any hyphens or spaces."""
_BY_NAME = {name: split for split, names in SPLIT_NAMES.items() for name in names}


def split_names(values: Sequence[Any], places: Sequence[str], problems: Problems) -> list[str]:
    """The split that each value of a split column names; empty, and a problem, if it names none."""
    found: list[str] = []
    for value, place in zip(values, places, strict=True):
        split = _split(value)
        if split is None:
            shown = "empty" if _is_missing(value) else f'"{value}"'
            problems.add(
                place,
                f"the split is {shown}; known are train, validation, test and calibration.",
            )
        found.append(split or "")
    return found


def group_names(values: Sequence[Any], places: Sequence[str], problems: Problems) -> list[str]:
    """The group of each row, equal in any case and white space; a missing group is a problem."""
    for value, place in zip(values, places, strict=True):
        if _is_missing(value):
            problems.add(place, "the group is missing; fill it in or remove the row.")
    return [group_of(value) for value in values]


def group_of(value: Any) -> str:
    """The form in which the values of a group column are equal; empty for a missing one.

    >>> group_of(" The  Film "), group_of(7.0), group_of(float("nan"))
    ('the film', '7', '')
    """
    if _is_missing(value):
        return ""
    whole = isinstance(value, float) and value.is_integer()
    return normalize(str(int(value) if whole else value))


def unused_split_column(columns: Mapping[str, Sequence[Any]]) -> str | None:
    """The column that names splits although it is not selected, if there is one.

    >>> unused_split_column({"id": ["1", "2"], "subset": ["train", "Dev"]})
    'subset'
    """
    for name, values in columns.items():
        distinct = {str(value) for value in values[:1] if value is not None}
        if distinct and _split(next(iter(distinct))):
            splits = {_split(value) for value in {str(value) for value in values}}
            if None not in splits and len(splits) > 1:
                return name
    return None


def _split(value: Any) -> str | None:
    return _BY_NAME.get(re.sub(r"[\s_-]", "", str(value)).casefold())


def _is_missing(value: Any) -> bool:
    return value is None or value != value or not str(value).strip()
