"""Rows without duplicates: texts that are equal after normalizing case and white space.

Of duplicates with one label the most frequent form is kept, so that the order of the rows decides
nothing; duplicates with different labels are all removed, because the correct label is unknown.
"""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from paretoscope.tasks.data import Data
from paretoscope.tasks.ref import SPLIT_VERSION

HELD_OUT_FIRST = ("test", "validation", "calibration", "train", "")
"""Of copies in several splits, the one in the first of these is kept."""


class Row(NamedTuple):
    """An example with two hashes of its text: an id, and the sort key that orders a split.

    `place` is its row in the data; `split` and `group` are empty unless the data names them.
    """

    id: str
    order: str
    text: str
    label: int
    place: int = 0
    split: str = ""
    group: str = ""


@dataclass(frozen=True)
class Unique:
    """Rows without duplicates, and how many examples were removed.

    `duplicates` are copies with the same label, `leaked` those of them that were in another split
    than the kept one. `conflicts` are copies of `conflicting` texts with different labels.
    """

    rows: list[Row]
    duplicates: int = 0
    leaked: int = 0
    conflicts: int = 0
    conflicting: int = 0

    def notes(self) -> tuple[str, ...]:
        """What was removed, in sentences."""
        found: list[str] = []
        if self.duplicates:
            found.append(
                f"{_count(self.duplicates, 'duplicate')} removed (equal texts in any case and white"
                " space)."
            )
        if self.leaked:
            found.append(
                f"{self.leaked:,} of the duplicates {'was' if self.leaked == 1 else 'were'} in two"
                " splits; the copy in the split that is used less was kept."
            )
        if self.conflicts:
            texts = "1 text" if self.conflicting == 1 else f"{self.conflicting:,} texts"
            verb = "was" if self.conflicting == 1 else "were"
            found.append(
                f"{texts} with different labels {verb} removed ({self.conflicts:,} rows), because"
                " the correct label is unknown."
            )
        return tuple(found)


def normalize(text: str) -> str:
    """The form in which duplicates are equal.

    >>> normalize("  What IS\\tthis ? ")
    'what is this ?'
    """
    return " ".join(text.split()).casefold()


def sha256(text: str) -> str:
    """The hash that ids and the order of rows derive from."""
    return hashlib.sha256(text.encode()).hexdigest()


def deduplicate(data: Data, indices: Sequence[int]) -> Unique:
    """The rows of the examples without duplicates; `indices` are their labels.

    Of copies in different splits that the data names, the held-out one is kept. Built-in data keeps
    the first of several forms of a text, as its published splits do.
    """
    copies: dict[str, list[Row]] = defaultdict(list)
    for example, label in zip(data.examples, indices, strict=True):
        form = normalize(example.text)
        split = data.splits[example.row] if data.splits else ""
        group = data.groups[example.row] if data.groups else ""
        order = sha256(f"{SPLIT_VERSION}\0{form}") if form not in copies else ""
        copies[form].append(
            Row(sha256(form)[:16], order, example.text, label, example.row, split, group)
        )
    rows: list[Row] = []
    duplicates = leaked = conflicts = conflicting = 0
    for members in copies.values():
        if len({member.label for member in members}) > 1:
            conflicts += len(members)
            conflicting += 1
            continue
        kept = members[0] if data.ordered else _kept(members)
        rows.append(kept._replace(order=members[0].order))
        duplicates += len(members) - 1
        leaked += sum(member.split != kept.split for member in members)
    return Unique(rows, duplicates, leaked, conflicts, conflicting)


def _kept(members: Sequence[Row]) -> Row:
    """The held-out copy with the most frequent form of the text, else the first in the alphabet."""
    if len(members) == 1:
        return members[0]
    count = Counter(member.text for member in members)
    return min(
        members,
        key=lambda row: (HELD_OUT_FIRST.index(row.split), -count[row.text], row.text, row.group),
    )


def _count(number: int, noun: str) -> str:
    return f"1 {noun} was" if number == 1 else f"{number:,} {noun}s were"
