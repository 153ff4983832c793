"""A task by its name: texts with class labels in four splits, or prose (`tasks/prose.py`); and how
texts become token ids.

Splitting is `tasks/splits.py`'s, reading data `tasks/builtin.py`'s and `tasks/files.py`'s; names,
columns and keys are `catalog.py`'s.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

from paretoscope.errors import TaskError, did_you_mean
from paretoscope.tasks.builtin import BUILTIN_TASKS, read_builtin, read_unlabelled
from paretoscope.tasks.files import read_own, read_own_texts
from paretoscope.tasks.labels import index_labels
from paretoscope.tasks.prose import load_language
from paretoscope.tasks.ref import TaskRef
from paretoscope.tasks.splits import SPLITS, Task, deduplicate, split_rows, without_labels
from paretoscope.workspace import write_whole

OWN_MAX_LENGTH = 128


def load_task(ref: TaskRef, model_labels: tuple[str, ...] | None = None) -> Task:
    """Read, check, de-duplicate and split the data of `ref`.

    `model_labels` are the names of the model's outputs in their order, which the task's labels then
    have too.

    Raises:
        TaskError: the data cannot be read, is too small, or has labels that the model does not
        know.
    """
    return load_language(ref) if ref.architecture == "decoder" else _load(ref, model_labels)


@lru_cache(maxsize=8)
def _load(ref: TaskRef, model_labels: tuple[str, ...] | None) -> Task:
    if ref.kind == "builtin":
        builtin = BUILTIN_TASKS[ref.name]
        examples, own_order, max_length = (
            read_builtin(ref.name, Path(ref.path)),
            builtin.labels,
            builtin.max_length,
        )
        where = f'the task "{ref.name}"'
    else:
        examples = read_own(Path(ref.path), ref.text_column, ref.label_column, ref.encoding)
        own_order, max_length = None, OWN_MAX_LENGTH
        where = f'"{ref.path}"'
    labels, indices = index_labels(examples, own_order, model_labels, where)
    rows, duplicates, conflicts = deduplicate(examples, indices)
    splits = split_rows(rows, labels, where)
    key = hashlib.sha256("\0".join((ref.key, *labels)).encode()).hexdigest()[:16]
    unlabelled = without_labels(_unlabelled(ref), splits)
    return Task(
        ref.name,
        labels,
        max_length,
        splits,
        key,
        duplicates=duplicates,
        conflicts=conflicts,
        unlabelled=unlabelled,
    )


def _unlabelled(ref: TaskRef) -> Iterator[str]:
    """What the task has without labels: of the built-in data what is left out of the task, and a
    person's own file.
    """
    if ref.kind == "builtin":
        yield from read_unlabelled(ref.name, Path(ref.path))
    if ref.unlabelled is not None:
        yield from read_own_texts(Path(ref.unlabelled), ref.encoding)


# --- tokens ---------------------------------------------------------------------------------------


# --- showing --------------------------------------------------------------------------------------


def describe_task(ref: TaskRef, model_labels: tuple[str, ...] | None = None) -> dict[str, Any]:
    """What the `tasks` command prints about one task: its labels, and size, sha256 and classes of
    each split.
    """
    task = load_task(ref, model_labels)
    splits = {
        name: {"examples": len(split), "sha256": split.sha256, "classes": split.class_sizes()}
        for name, split in task.splits.items()
    }
    return {
        "name": ref.name,
        "about": ref.about,
        "source": ref.source,
        "labels": list(task.labels),
        "metric": task.metric,
        "max_length": task.max_length,
        "removed": {"duplicates": task.duplicates, "conflicting_labels": task.conflicts},
        "splits": splits,
        **(
            {"unlabelled": {"examples": len(task.unlabelled), "sha256": task.unlabelled.sha256}}
            if len(task.unlabelled)
            else {}
        ),
        "key": ref.key,
    }


def export_split(task: Task, split: str, to: Path) -> int:
    """Write one split as JSON lines, whole or not at all; gives the number of examples."""
    if split not in SPLITS:
        raise TaskError(f'There is no split "{split}"; {did_you_mean(split, SPLITS)}')
    try:
        write_whole(to, task.splits[split].jsonl())
    except OSError as error:
        raise TaskError(
            f'The split cannot be written to "{to}": {error.strerror}; choose another place.'
        ) from error
    return len(task.splits[split])
