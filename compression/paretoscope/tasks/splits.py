"""Four disjoint splits of rows without duplicates: texts are sorted by hash and split.

A split depends only on the texts and on the splits and groups that the data names, so it is the
same on every machine and with every library version. Removing duplicates is in
`tasks/duplicates.py`, reading the texts in `tasks/load.py` and `tasks/prose.py`.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from paretoscope.errors import Problems, TaskError
from paretoscope.tasks.duplicates import Row, normalize, sha256
from paretoscope.tasks.groups import assign_groups
from paretoscope.tasks.labels import single_class

SPLITS = ("train", "calibration", "validation", "test")
MADE = ("validation", "test", "calibration")
"""The splits that are made from training rows unless the data has them, in this order."""
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


def split_rows(
    rows: Sequence[Row], labels: tuple[str, ...], where: str, grouped: bool = False
) -> dict[str, Split]:
    """The four splits, stratified by label: every class is in each of them.

    The rows of a class are sorted by hash: the first 15 % are validation, the next 15 % test,
    followed by calibration and train. Adding or removing a row moves few others. Without `labels`
    all rows have one class, and their number is checked in `tasks/prose.py`.

    Rows that have a split stay in it; splits that no row has are made from those of train. If
    `grouped`, whole groups are assigned (`tasks/groups.py`).

    Raises:
        TaskError: too few examples, or a split without training data or without one of the classes.
    """
    if labels:
        sizes = Counter(row.label for row in rows)
        _check_enough(rows, {labels[label]: sizes[label] for label in sorted(sizes)}, where)
    chosen = {name: [row for row in rows if row.split == name] for name in SPLITS}
    given = any(chosen.values())
    pool = sorted(chosen["train"] if given else rows, key=lambda row: row.order)
    if not pool:
        named = " and ".join(name for name in SPLITS if chosen[name])
        raise TaskError(
            f"{where[0].upper()}{where[1:]} has no training split, only {named}; add rows of the"
            " split train."
        )
    if grouped and labels and not given:
        _check_groups(pool, labels, where)
    quota = _quota(pool, [name for name in MADE if not chosen[name]])
    chosen |= assign_groups(pool, quota) if grouped else _assign_rows(pool, quota)
    if given or grouped:
        _check_classes(chosen, labels, where)
    return {name: _split(name, chosen[name], labels) for name in SPLITS}


def _quota(pool: Sequence[Row], absent: Sequence[str]) -> dict[str, dict[int, int]]:
    """How many rows of each class the `absent` splits get from the pool."""
    sizes = Counter(row.label for row in pool)
    held_out = {label: max(1, (HELD_OUT_PERCENT * n + 50) // 100) for label, n in sizes.items()}
    quota = {name: held_out for name in absent if name != "calibration"}
    if "calibration" in absent:
        rest = {label: n - len(quota) * held_out[label] for label, n in sizes.items()}
        available = {label: n for label, n in rest.items() if n > 1}
        quota["calibration"] = calibration_quota(available) if available else {}
    return quota


def _assign_rows(
    pool: Sequence[Row], quota: Mapping[str, Mapping[int, int]]
) -> dict[str, list[Row]]:
    """Of each class the first rows, in the order of `pool`, are those of the splits of `quota`."""
    by_class: dict[int, list[Row]] = defaultdict(list)
    for row in pool:
        by_class[row.label].append(row)
    chosen: dict[str, list[Row]] = {name: [] for name in (*quota, "train")}
    for label, members in by_class.items():
        start = 0
        for name, sizes in quota.items():
            chosen[name] += members[start : start + sizes.get(label, 0)]
            start += sizes.get(label, 0)
        chosen["train"] += members[start:]
    return chosen


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
        tuple(sha256(form)[:16] for form in kept),
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


def _check_groups(rows: Sequence[Row], labels: tuple[str, ...], where: str) -> None:
    groups: dict[int, set[str]] = defaultdict(set)
    for row in rows:
        groups[row.label].add(row.group)
    rare = min(groups, key=lambda label: len(groups[label]))
    if len(groups[rare]) < len(SPLITS):
        raise TaskError(
            f'The class "{labels[rare]}" of {where} is in only {len(groups[rare])} groups, but'
            f" needs at least {len(SPLITS)}, one per split; add examples or select another group"
            " column."
        )


def _check_classes(
    chosen: Mapping[str, Sequence[Row]], labels: tuple[str, ...], where: str
) -> None:
    """Raise `TaskError` unless every split has every class; without labels, at least one row."""
    present = sorted({row.label for rows in chosen.values() for row in rows})
    problems = Problems(where, TaskError)
    for name in SPLITS:
        found = {row.label for row in chosen[name]}
        lacking = [labels[label] if labels else "" for label in present if label not in found]
        for label in lacking:
            example = f'example of the class "{label}"' if labels else "document"
            problems.add(
                f"{name} split",
                f"there is no {example}; add examples, or use another split or group column.",
            )
    problems.check()


def _split(name: str, rows: list[Row], labels: tuple[str, ...]) -> Split:
    rows = sorted(rows, key=lambda row: row.order)
    indices = np.array([row.label for row in rows], dtype=np.int64)
    indices.setflags(write=False)
    return Split(
        name, tuple(row.id for row in rows), tuple(row.text for row in rows), indices, labels
    )
