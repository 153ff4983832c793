"""The splits of data, and what a reader of results has to know about duplicates, splits and groups.

Duplicates are removed in `tasks/duplicates.py`, rows assigned to splits in `tasks/splits.py`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from paretoscope.tasks.data import Data
from paretoscope.tasks.duplicates import Row, Unique
from paretoscope.tasks.given import unused_split_column
from paretoscope.tasks.leaks import shared_groups
from paretoscope.tasks.near_duplicates import near_duplicates
from paretoscope.tasks.splits import MADE, Split, split_rows

MIN_NEAR_DUPLICATES = 0.01
"""Smallest share of near-duplicates that is reported."""


@dataclass(frozen=True, eq=False)
class SplitData:
    """The splits, and notes for every result."""

    splits: dict[str, Split]
    notes: tuple[str, ...]


def split_data(data: Data, unique: Unique, labels: tuple[str, ...], where: str) -> SplitData:
    """Split the rows of `data` without duplicates.

    Built-in data has no notes: its duplicates and splits are those of the documentation.

    Raises:
        TaskError: there are too few examples for four splits with every class.
    """
    splits = split_rows(unique.rows, labels, where, grouped=bool(data.groups))
    notes = () if data.ordered else (*data.notes, *unique.notes(), *_notes(data, unique, splits))
    return SplitData(splits, notes)


def _notes(data: Data, unique: Unique, splits: Mapping[str, Split]) -> Iterator[str]:
    by_id = {row.id: row for row in unique.rows}
    rows = {name: [by_id[key] for key in split.ids] for name, split in splits.items()}
    if data.splits:
        yield from _given_notes(data, unique.rows)
    elif column := unused_split_column(data.columns):
        yield (
            f'The column "{column}" names splits but is not used; select it with --split-column.'
        )
    if data.groups:
        yield from _group_notes(data, rows)
    else:
        yield from _shared_notes(data, rows)
    share = near_duplicates(
        (*splits["validation"].texts, *splits["test"].texts),
        (*splits["train"].texts, *splits["calibration"].texts),
    )
    if share > MIN_NEAR_DUPLICATES:
        yield (
            f"{_percent(share)} of the validation and test texts are near-duplicates of training"
            " texts (they differ in case, punctuation, digits or few words), so the quality on new"
            " texts may be lower; remove near-duplicates from the data."
        )


def _given_notes(data: Data, rows: Sequence[Row]) -> Iterator[str]:
    given = {row.split for row in rows}
    absent = [name for name in MADE if name not in given]
    made, verb = " and ".join(absent), "was" if len(absent) == 1 else "were"
    yield (
        f'The splits are those of the column "{data.split_column}"'
        f"{f'; {made} {verb} made from rows of train' if made else ''}."
    )


def _group_notes(data: Data, rows: Mapping[str, Sequence[Row]]) -> Iterator[str]:
    places: dict[str, set[str]] = defaultdict(set)
    for name, members in rows.items():
        for row in members:
            places[row.group].add(name)
    several = sum(len(names) > 1 for names in places.values())
    if several:
        yield (
            f"{several:,} of {len(places):,} groups of the column"
            f' "{data.group_column}" are in several splits, because the column'
            f' "{data.split_column}" puts them there.'
        )
    else:
        yield (
            f'Each of the {len(places):,} groups of the column "{data.group_column}" is in one'
            " split."
        )


def _shared_notes(data: Data, rows: Mapping[str, Sequence[Row]]) -> Iterator[str]:
    train = (*rows["train"], *rows["calibration"])
    for column, share in shared_groups(data.columns, train, rows["validation"]):
        remedy = (
            "if these are groups, assign each to one split in the data"
            if data.splits
            else "if these are groups, keep each in one split with --group-column"
        )
        yield (
            f'{_percent(share)} of the validation rows share their "{column}" with training rows,'
            f" so the quality on new ones may be lower; {remedy}."
        )


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %" if share < 1 else "All"
