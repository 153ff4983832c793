"""Examples in four splits that share nothing: duplicates go first, then texts are ordered by a hash
of themselves and dealt out.

Duplicates are equal after case and white space are evened out: of equal texts with one label the
first stays; equal texts with different labels all go, for nobody knows which is right. The split
depends on nothing but the texts themselves, so it is the same on every machine and for every
library version. Where the texts come from is `tasks/load.py`'s and `tasks/prose.py`'s.
"""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from paretoscope.errors import TaskError
from paretoscope.tasks.labels import Example

SPLIT_VERSION = "1"
"""Part of every task's key and the seed of every split: raise it when splitting changes."""


SPLITS = ("train", "calibration", "validation", "test")
UNLABELLED = "unlabelled"
"""The name of what is not split: texts without labels, to learn from with a teacher."""
NO_LABEL = -1
HELD_OUT_PERCENT = 15
"""Share of each class that goes to validation, and again to test."""
CALIBRATION_EXAMPLES = 256
"""Taken out of train; at most a quarter of it when data is small."""
MIN_EXAMPLES = 40
MIN_CLASS_EXAMPLES = len(SPLITS)
"""Every class has to be in every split: what was never trained on or is never asked for cannot be
judged.
"""

Indices = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Split:
    """Parallel columns, an entry an example; `labels` [n] are indices into `classes`, the task's
    labels.

    Documents without labels have no `classes`, and zeros for labels.
    """

    name: str
    ids: tuple[str, ...]
    texts: tuple[str, ...]
    labels: Indices
    classes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.ids)

    def class_sizes(self) -> dict[str, int]:
        """How many examples each class has here."""
        if not self.classes:
            return {}
        sizes = np.bincount(self.labels, minlength=len(self.classes))
        return {name: int(size) for name, size in zip(self.classes, sizes, strict=True)}

    def records(self) -> Iterator[dict[str, Any]]:
        """`{"id", "text", "label"}` of each example, the label by name; none where there are no
        classes.
        """
        for id, text, label in zip(self.ids, self.texts, map(int, self.labels), strict=True):
            yield {"id": id, "text": text} | (
                {"label": self.classes[label]} if self.classes else {}
            )

    def jsonl(self) -> bytes:
        """The records, one a line."""
        return b"".join(
            json.dumps(record, ensure_ascii=False).encode() + b"\n" for record in self.records()
        )

    @cached_property
    def sha256(self) -> str:
        """The sha256 of `jsonl()`: what `sha256sum` says about the exported file."""
        return hashlib.sha256(self.jsonl()).hexdigest()


@dataclass(frozen=True, eq=False)
class Task:
    """Data ready to use. `max_length` is in tokens; `duplicates` and `conflicts` count what was
    removed before splitting. `unlabelled` is a fifth split, of texts without labels (`NO_LABEL`)
    that none of the four has; it may be empty.

    `kind` says what is asked of a model: a class for each text, the next token of prose, or which
    of four continuations is true.
    """

    name: str
    labels: tuple[str, ...]
    max_length: int
    splits: Mapping[str, Split]
    key: str
    metric: str = "accuracy"
    duplicates: int = 0
    conflicts: int = 0
    kind: Literal["classes", "prose", "cloze"] = "classes"
    unlabelled: Split = field(
        default_factory=lambda: Split(UNLABELLED, (), (), np.zeros(0, dtype=np.int64))
    )


class Row(NamedTuple):
    """An example with an id made of its text, and a second hash of it by which rows are put in
    order.
    """

    id: str
    order: str
    text: str
    label: int


# --- splitting ------------------------------------------------------------------------------------


def normalize(text: str) -> str:
    """The form in which two texts are the same.

    >>> normalize("  What IS\\tthis ? ")
    'what is this ?'
    """
    return " ".join(text.split()).casefold()


def deduplicate(examples: Sequence[Example], indices: Sequence[int]) -> tuple[list[Row], int, int]:
    """Rows without duplicates, how many examples were removed for having one label twice, and how
    many for having two labels.
    """
    groups: dict[str, list[int]] = defaultdict(list)
    for place, example in enumerate(examples):
        groups[normalize(example.text)].append(place)
    rows: list[Row] = []
    duplicates = conflicts = 0
    for text, places in groups.items():
        if len({indices[place] for place in places}) > 1:
            conflicts += len(places)
            continue
        duplicates += len(places) - 1
        first = places[0]
        rows.append(
            Row(
                _sha256(text)[:16],
                _sha256(f"{SPLIT_VERSION}\0{text}"),
                examples[first].text,
                indices[first],
            )
        )
    return rows, duplicates, conflicts


def split_rows(rows: Sequence[Row], labels: tuple[str, ...], where: str) -> dict[str, Split]:
    """The four splits, stratified by label: each holds every class that the data has.

    Within a class rows are ordered by hash; the first 15 % are validation, the next 15 % test, then
    come calibration and train. An added or removed row moves few others. Without `labels` all rows
    are of one class, which is checked by `tasks/prose.py`.
    """
    by_class: dict[int, list[Row]] = defaultdict(list)
    for row in sorted(rows, key=lambda row: row.order):
        by_class[row.label].append(row)
    if labels:
        _check_enough(
            rows,
            {labels[label]: len(members) for label, members in sorted(by_class.items())},
            where,
        )
    held_out = {
        label: max(1, (HELD_OUT_PERCENT * len(members) + 50) // 100)
        for label, members in by_class.items()
    }
    calibration = calibration_quota(
        {label: len(members) - 2 * held_out[label] for label, members in by_class.items()}
    )
    chosen: dict[str, list[Row]] = {name: [] for name in SPLITS}
    for label, members in by_class.items():
        first, second = held_out[label], 2 * held_out[label]
        third = second + calibration[label]
        chosen["validation"] += members[:first]
        chosen["test"] += members[first:second]
        chosen["calibration"] += members[second:third]
        chosen["train"] += members[third:]
    return {name: _split(name, chosen[name], labels) for name in SPLITS}


def without_labels(texts: Iterable[str], splits: Mapping[str, Split]) -> Split:
    """Each of the texts once, but none that a split has: what is trained on with a teacher may not
    be what is judged.

    >>> kept = without_labels(["New.", "SEEN  before", "new."], {"test": Split("test", ("1",), ("Seen before",), np.zeros(1, dtype=np.int64))})
    >>> kept.texts, kept.labels.tolist()
    (('New.',), [-1])
    """
    taken = {normalize(text) for split in splits.values() for text in split.texts}
    kept: dict[str, str] = {}
    for text in texts:
        if (form := normalize(text)) not in taken:
            kept.setdefault(form, text)
    return Split(
        UNLABELLED,
        tuple(_sha256(form)[:16] for form in kept),
        tuple(kept.values()),
        np.full(len(kept), NO_LABEL, dtype=np.int64),
    )


def calibration_quota(available: Mapping[int, int]) -> dict[int, int]:
    """How many of each class go to calibration: in proportion, at least one, the largest remainders
    rounded up.

    >>> calibration_quota({0: 3000, 1: 1000})
    {0: 192, 1: 64}
    >>> calibration_quota({0: 30, 1: 2})
    {0: 7, 1: 1}
    """
    count = sum(available.values())
    total = max(len(available), min(CALIBRATION_EXAMPLES, count // 4))
    quota = {label: max(1, total * size // count) for label, size in available.items()}

    def lacking(label: int) -> tuple[int, int]:
        return total * available[label] - count * quota[label], -label

    while sum(quota.values()) < total:
        quota[max(quota, key=lacking)] += 1
    while sum(quota.values()) > total:
        quota[min((label for label in quota if quota[label] > 1), key=lacking)] -= 1
    return quota


def _check_enough(rows: Sequence[Row], sizes: Mapping[str, int], where: str) -> None:
    if len(sizes) == 1:
        raise TaskError(
            f'Every example of {where} has the label "{next(iter(sizes))}"; a classifier needs at'
            " least two classes."
        )
    if len(rows) < MIN_EXAMPLES:
        raise TaskError(
            f"Only {len(rows)} different examples are in {where}; at least {MIN_EXAMPLES} are"
            " needed for four splits."
        )
    rare = min(sizes, key=lambda name: sizes[name])
    if sizes[rare] < MIN_CLASS_EXAMPLES:
        raise TaskError(
            f'The class "{rare}" of {where} has only {sizes[rare]} different examples; each class'
            f" needs at least {MIN_CLASS_EXAMPLES}, one for each split, so add examples or leave"
            " the class out."
        )


def _split(name: str, rows: list[Row], labels: tuple[str, ...]) -> Split:
    rows = sorted(rows, key=lambda row: row.order)
    indices = np.array([row.label for row in rows], dtype=np.int64)
    indices.setflags(write=False)
    return Split(
        name, tuple(row.id for row in rows), tuple(row.text for row in rows), indices, labels
    )


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
