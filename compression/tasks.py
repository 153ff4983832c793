"""A task: texts with class labels in four splits that share nothing, and how texts become token ids.

Duplicates (equal after case and white space are evened out) are removed before splitting: of equal texts with
one label the first stays; equal texts with different labels all go, for nobody knows which is right. The split depends
on nothing but the texts themselves, so it is the same on every machine and for every library version.
Reading data is `builtin_data.py`'s and `own_data.py`'s; names, columns and keys are `catalog.py`'s.
"""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from compression.builtin_data import BUILTIN_TASKS, read_builtin
from compression.catalog import SPLIT_VERSION, TaskRef
from compression.errors import ModelError, TaskError, did_you_mean
from compression.labels import Example, index_labels
from compression.own_data import read_own
from compression.workspace import write_whole

SPLITS = ("train", "calibration", "validation", "test")
HELD_OUT_PERCENT = 15
"""Share of each class that goes to validation, and again to test."""
CALIBRATION_EXAMPLES = 256
"""Taken out of train; at most a quarter of it when data is small."""
MIN_EXAMPLES = 40
MIN_CLASS_EXAMPLES = len(SPLITS)
"""Every class has to be in every split: what was never trained on or is never asked for cannot be judged."""
OWN_MAX_LENGTH = 128

Indices = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Split:
    """Parallel columns, an entry an example; `labels` [n] are indices into `classes`, the task's labels."""

    name: str
    ids: tuple[str, ...]
    texts: tuple[str, ...]
    labels: Indices
    classes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.ids)

    def class_sizes(self) -> dict[str, int]:
        """How many examples each class has here."""
        sizes = np.bincount(self.labels, minlength=len(self.classes))
        return {name: int(size) for name, size in zip(self.classes, sizes, strict=True)}

    def jsonl(self) -> bytes:
        """One `{"id", "text", "label"}` a line, the label by name."""
        names = [self.classes[index] if self.classes else str(index) for index in map(int, self.labels)]
        rows = zip(self.ids, self.texts, names, strict=True)
        return b"".join(json.dumps({"id": id, "text": text, "label": label}, ensure_ascii=False).encode() + b"\n" for id, text, label in rows)

    @cached_property
    def sha256(self) -> str:
        """The sha256 of `jsonl()`: what `sha256sum` says about the exported file."""
        return hashlib.sha256(self.jsonl()).hexdigest()


@dataclass(frozen=True, eq=False)
class Task:
    """Data ready to use. `max_length` is in tokens; `duplicates` and `conflicts` count what was removed before splitting."""

    name: str
    labels: tuple[str, ...]
    max_length: int
    splits: Mapping[str, Split]
    key: str
    metric: str = "accuracy"
    duplicates: int = 0
    conflicts: int = 0


class Row(NamedTuple):
    """An example with an id made of its text, and a second hash of it by which rows are put in order."""

    id: str
    order: str
    text: str
    label: int


def load_task(ref: TaskRef, model_labels: tuple[str, ...] | None = None) -> Task:
    """Read, check, de-duplicate and split the data of `ref`.

    `model_labels` are the names of the model's outputs in their order, which the task's labels then have too.

    Raises:
        TaskError: the data cannot be read, is too small, or has labels that the model does not know.
    """
    return _load(ref, model_labels)


@lru_cache(maxsize=8)
def _load(ref: TaskRef, model_labels: tuple[str, ...] | None) -> Task:
    if ref.kind == "builtin":
        builtin = BUILTIN_TASKS[ref.name]
        examples, own_order, max_length = read_builtin(ref.name, Path(ref.path)), builtin.labels, builtin.max_length
        where = f'the task "{ref.name}"'
    else:
        examples = read_own(Path(ref.path), ref.text_column, ref.label_column, ref.encoding)
        own_order, max_length = None, OWN_MAX_LENGTH
        where = f'"{ref.path}"'
    labels, indices = index_labels(examples, own_order, model_labels, where)
    rows, duplicates, conflicts = deduplicate(examples, indices)
    splits = split_rows(rows, labels, where)
    key = hashlib.sha256("\0".join((ref.key, *labels)).encode()).hexdigest()[:16]
    return Task(ref.name, labels, max_length, splits, key, duplicates=duplicates, conflicts=conflicts)


# --- splitting ----------------------------------------------------------------------------------------


def normalize(text: str) -> str:
    """The form in which two texts are the same.

    >>> normalize("  What IS\\tthis ? ")
    'what is this ?'
    """
    return " ".join(text.split()).casefold()


def deduplicate(examples: Sequence[Example], indices: Sequence[int]) -> tuple[list[Row], int, int]:
    """Rows without duplicates, how many examples were removed for having one label twice, and how many for having two labels."""
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
        rows.append(Row(_sha256(text)[:16], _sha256(f"{SPLIT_VERSION}\0{text}"), examples[first].text, indices[first]))
    return rows, duplicates, conflicts


def split_rows(rows: Sequence[Row], labels: tuple[str, ...], where: str) -> dict[str, Split]:
    """The four splits, stratified by label: each holds every class that the data has.

    Within a class rows are ordered by hash; the first 15 % are validation, the next 15 % test, then come
    calibration and train. An added or removed row moves few others.
    """
    by_class: dict[int, list[Row]] = defaultdict(list)
    for row in sorted(rows, key=lambda row: row.order):
        by_class[row.label].append(row)
    _check_enough(rows, {labels[label]: len(members) for label, members in sorted(by_class.items())}, where)
    held_out = {label: max(1, (HELD_OUT_PERCENT * len(members) + 50) // 100) for label, members in by_class.items()}
    calibration = calibration_quota({label: len(members) - 2 * held_out[label] for label, members in by_class.items()})
    chosen: dict[str, list[Row]] = {name: [] for name in SPLITS}
    for label, members in by_class.items():
        first, second = held_out[label], 2 * held_out[label]
        third = second + calibration[label]
        chosen["validation"] += members[:first]
        chosen["test"] += members[first:second]
        chosen["calibration"] += members[second:third]
        chosen["train"] += members[third:]
    return {name: _split(name, chosen[name], labels) for name in SPLITS}


def calibration_quota(available: Mapping[int, int]) -> dict[int, int]:
    """How many of each class go to calibration: in proportion, at least one, the largest remainders rounded up.

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
        raise TaskError(f'Every example of {where} has the label "{next(iter(sizes))}"; a classifier needs at least two classes.')
    if len(rows) < MIN_EXAMPLES:
        raise TaskError(f"Only {len(rows)} different examples are in {where}; at least {MIN_EXAMPLES} are needed for four splits.")
    rare = min(sizes, key=lambda name: sizes[name])
    if sizes[rare] < MIN_CLASS_EXAMPLES:
        raise TaskError(
            f'The class "{rare}" of {where} has only {sizes[rare]} different examples; each class needs at least {MIN_CLASS_EXAMPLES}, '
            "one for each split, so add examples or leave the class out."
        )


def _split(name: str, rows: list[Row], labels: tuple[str, ...]) -> Split:
    rows = sorted(rows, key=lambda row: row.order)
    indices = np.array([row.label for row in rows], dtype=np.int64)
    indices.setflags(write=False)
    return Split(name, tuple(row.id for row in rows), tuple(row.text for row in rows), indices, labels)


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


# --- tokens -------------------------------------------------------------------------------------------


def encode(tokenizer_json: Path | str, texts: Sequence[str], max_length: int) -> list[Indices]:
    """Token ids [tokens] of each text, special tokens included, cut to `max_length` tokens, never padded.

    `tokenizer_json` is the file, or as a string its content.
    """
    from tokenizers import Tokenizer

    try:
        tokenizer: Any = Tokenizer.from_str(tokenizer_json) if isinstance(tokenizer_json, str) else Tokenizer.from_file(str(tokenizer_json))
    except Exception as error:  # the Rust library raises plain Exception
        named = f' "{tokenizer_json}"' if isinstance(tokenizer_json, Path) else ""
        raise ModelError(f"The tokenizer{named} cannot be read ({error}); copy the model again.") from error
    tokenizer.no_padding()
    tokenizer.enable_truncation(max_length)
    return [np.array(encoding.ids, dtype=np.int64) for encoding in tokenizer.encode_batch_fast(list(texts))]


def batches_by_length(encoded: Sequence[Indices], size: int) -> Iterator[Indices]:
    """Indices [at most size] of texts with exactly equal token count, shortest first: nothing is ever padded.

    >>> [batch.tolist() for batch in batches_by_length([np.zeros(3), np.zeros(2), np.zeros(3), np.zeros(3)], 2)]
    [[1], [0, 2], [3]]
    """
    by_length: dict[int, list[int]] = defaultdict(list)
    for index, ids in enumerate(encoded):
        by_length[len(ids)].append(index)
    for _, members in sorted(by_length.items()):
        for start in range(0, len(members), size):
            yield np.array(members[start : start + size], dtype=np.int64)


# --- showing ------------------------------------------------------------------------------------------


def describe_task(ref: TaskRef, model_labels: tuple[str, ...] | None = None) -> dict[str, Any]:
    """What the `tasks` command prints about one task: its labels, and size, sha256 and classes of each split."""
    task = load_task(ref, model_labels)
    splits = {name: {"examples": len(split), "sha256": split.sha256, "classes": split.class_sizes()} for name, split in task.splits.items()}
    return {
        "name": ref.name,
        "about": ref.about,
        "source": ref.source,
        "labels": list(task.labels),
        "metric": task.metric,
        "max_length": task.max_length,
        "removed": {"duplicates": task.duplicates, "conflicting_labels": task.conflicts},
        "splits": splits,
        "key": ref.key,
    }


def export_split(task: Task, split: str, to: Path) -> int:
    """Write one split as JSON lines, whole or not at all; gives the number of examples."""
    if split not in SPLITS:
        raise TaskError(f'There is no split "{split}"; {did_you_mean(split, SPLITS)}')
    try:
        write_whole(to, task.splits[split].jsonl())
    except OSError as error:
        raise TaskError(f'The split cannot be written to "{to}": {error.strerror}; choose another place.') from error
    return len(task.splits[split])
