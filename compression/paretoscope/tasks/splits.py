"""Four disjoint splits: duplicates are removed, then texts are sorted by hash and split.

Texts are duplicates if they are equal after normalizing case and white space. Of duplicates with
one label the first is kept; duplicates with different labels are all removed, because the correct
label is unknown. A split depends only on the texts, so it is the same on every machine and with
every library version. Reading the texts is in `tasks/load.py` and `tasks/prose.py`.
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
from paretoscope.tasks.labels import Example, single_class

SPLIT_VERSION = "1"
"""Part of every task's key and the seed of every split; increment it when splitting changes."""

SPLITS = ("train", "calibration", "validation", "test")
UNLABELLED = "unlabelled"
"""Name of the texts without labels, which are not split and are for training with a teacher."""
NO_LABEL = -1
HELD_OUT_PERCENT = 15
"""Share of each class in the validation split, and in the test split."""
CALIBRATION_EXAMPLES = 256
"""Size of the calibration split; at most a quarter of what is not held out if data is small."""
MIN_EXAMPLES = 40
MIN_CLASS_EXAMPLES = len(SPLITS)
"""Every class must be in every split: one that is not trained on or not tested has no quality."""

Indices = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Split:
    """Examples as parallel columns; `labels` [n] are indices into `classes`, the task's labels.

    Documents without labels have no `classes`; their `labels` are zeros.
    """

    name: str
    ids: tuple[str, ...]
    texts: tuple[str, ...]
    labels: Indices
    classes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.ids)

    def class_sizes(self) -> dict[str, int]:
        """Number of examples of each class; empty without labels."""
        if not self.classes:
            return {}
        sizes = np.bincount(self.labels, minlength=len(self.classes))
        return {name: int(size) for name, size in zip(self.classes, sizes, strict=True)}

    def records(self) -> Iterator[dict[str, Any]]:
        """`{"id", "text", "label"}` of each example, the label by name; none without classes."""
        for key, text, label in zip(self.ids, self.texts, map(int, self.labels), strict=True):
            named = {"label": self.classes[label]} if self.classes else {}
            yield {"id": key, "text": text} | named

    def jsonl(self) -> bytes:
        """The records as JSON, one per line."""
        return b"".join(
            json.dumps(record, ensure_ascii=False).encode() + b"\n" for record in self.records()
        )

    @cached_property
    def sha256(self) -> str:
        """The sha256 of `jsonl()`, which is that of the exported file."""
        return hashlib.sha256(self.jsonl()).hexdigest()


@dataclass(frozen=True, eq=False)
class Task:
    """The splits of a task. `max_length` is in tokens; None is the model's own maximum.

    `duplicates` and `conflicts` count the examples removed before splitting. `kind` is what a model
    predicts: a class for each text, the next token of prose, or the correct one of four
    continuations. `unlabelled` is a fifth split of texts without labels (`NO_LABEL`) that are in no
    other split; it may be empty.
    """

    name: str
    labels: tuple[str, ...]
    max_length: int | None
    splits: Mapping[str, Split]
    key: str
    metric: str = "accuracy"
    duplicates: int = 0
    conflicts: int = 0
    kind: Literal["classes", "prose", "cloze"] = "classes"
    unlabelled: Split = field(
        default_factory=lambda: Split(UNLABELLED, (), (), np.zeros(0, dtype=np.int64))
    )
    label_rule: str = "name"
    """How labels of the data were matched with outputs: `Labels.rule` of `tasks/labels.py`."""
    notes: tuple[str, ...] = ()
    """What a reader of any result on this data has to know, as short sentences."""


class Row(NamedTuple):
    """An example with two hashes of its text: an id, and the sort key that orders a split."""

    id: str
    order: str
    text: str
    label: int


def normalize(text: str) -> str:
    """The form in which duplicates are equal.

    >>> normalize("  What IS\\tthis ? ")
    'what is this ?'
    """
    return " ".join(text.split()).casefold()


def deduplicate(examples: Sequence[Example], indices: Sequence[int]) -> tuple[list[Row], int, int]:
    """Rows without duplicates, and how many duplicates and conflicting examples were removed."""
    groups: dict[str, list[int]] = defaultdict(list)
    for index, example in enumerate(examples):
        groups[normalize(example.text)].append(index)
    rows: list[Row] = []
    duplicates = conflicts = 0
    for text, members in groups.items():
        if len({indices[index] for index in members}) > 1:
            conflicts += len(members)
            continue
        duplicates += len(members) - 1
        first = members[0]
        order = _sha256(f"{SPLIT_VERSION}\0{text}")
        rows.append(Row(_sha256(text)[:16], order, examples[first].text, indices[first]))
    return rows, duplicates, conflicts


def split_rows(rows: Sequence[Row], labels: tuple[str, ...], where: str) -> dict[str, Split]:
    """The four splits, stratified by label: every class is in each of them.

    The rows of a class are sorted by hash: the first 15 % are validation, the next 15 % test,
    followed by calibration and train. Adding or removing a row moves few others. Without `labels`
    all rows have one class, and their number is checked in `tasks/prose.py`.
    """
    by_class: dict[int, list[Row]] = defaultdict(list)
    for row in sorted(rows, key=lambda row: row.order):
        by_class[row.label].append(row)
    if labels:
        sizes = {labels[label]: len(members) for label, members in sorted(by_class.items())}
        _check_enough(rows, sizes, where)
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
    """Unlabelled texts without duplicates and without texts of a split, which would leak test data.

    >>> test = Split("test", ("1",), ("Seen before",), np.zeros(1, dtype=np.int64))
    >>> kept = without_labels(["New.", "SEEN  before", "new."], {"test": test})
    >>> kept.texts, kept.labels.tolist()
    (('New.',), [-1])
    """
    in_splits = {normalize(text) for split in splits.values() for text in split.texts}
    kept: dict[str, str] = {}
    for text in texts:
        if (form := normalize(text)) not in in_splits:
            kept.setdefault(form, text)
    return Split(
        UNLABELLED,
        tuple(_sha256(form)[:16] for form in kept),
        tuple(kept.values()),
        np.full(len(kept), NO_LABEL, dtype=np.int64),
    )


def calibration_quota(available: Mapping[int, int]) -> dict[int, int]:
    """Calibration examples of each class: in proportion by largest remainder, at least 1.

    >>> calibration_quota({0: 3000, 1: 1000})
    {0: 192, 1: 64}
    >>> calibration_quota({0: 30, 1: 2})
    {0: 7, 1: 1}
    """
    count = sum(available.values())
    total = max(len(available), min(CALIBRATION_EXAMPLES, count // 4))
    quota = {label: max(1, total * size // count) for label, size in available.items()}

    def remainder(label: int) -> tuple[int, int]:
        return total * available[label] - count * quota[label], -label

    while sum(quota.values()) < total:
        quota[max(quota, key=remainder)] += 1
    while sum(quota.values()) > total:
        quota[min((label for label in quota if quota[label] > 1), key=remainder)] -= 1
    return quota


def _check_enough(rows: Sequence[Row], sizes: Mapping[str, int], where: str) -> None:
    if len(sizes) == 1:
        raise single_class(next(iter(sizes)), where)
    if len(rows) < MIN_EXAMPLES:
        raise TaskError(
            f"{where[0].upper()}{where[1:]} has only {len(rows)} different examples; four splits"
            f" need at least {MIN_EXAMPLES}, so add examples."
        )
    rare = min(sizes, key=lambda name: sizes[name])
    if sizes[rare] < MIN_CLASS_EXAMPLES:
        raise TaskError(
            f'The class "{rare}" of {where} has only {sizes[rare]} different examples, but needs at'
            f" least {MIN_CLASS_EXAMPLES}, one per split; add examples or remove the class."
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
