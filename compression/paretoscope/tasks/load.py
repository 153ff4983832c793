"""Loading a task: read, check, de-duplicate and split its data.

Splitting is in `tasks/splits.py`, prose in `tasks/prose.py`, reading in `tasks/builtin.py` and
`tasks/files.py`; names, options and keys are in `tasks/resolve.py`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

from paretoscope.errors import Problems, TaskError, did_you_mean
from paretoscope.tasks.builtin import BUILTIN_TASKS, read_builtin, read_unlabelled
from paretoscope.tasks.data import Data
from paretoscope.tasks.duplicates import deduplicate
from paretoscope.tasks.files import read_examples, read_unlabelled_file
from paretoscope.tasks.label_matching import LabelError
from paretoscope.tasks.labels import Labels, Source, index_labels
from paretoscope.tasks.prose import load_prose
from paretoscope.tasks.ref import TaskRef
from paretoscope.tasks.split_data import split_data
from paretoscope.tasks.splits import SPLITS, Task, without_labels
from paretoscope.workspace import write_whole


def load_task(ref: TaskRef, model_labels: tuple[str, ...] | None = None) -> Task:
    """Read, check, de-duplicate and split the data of `ref`.

    `model_labels` are the names of the model's outputs; the task's labels get the same order.

    Raises:
        TaskError: the data cannot be read, is too small, or has labels that are not outputs of the
        model.
    """
    return load_prose(ref) if ref.architecture == "decoder" else _load(ref, model_labels)


@lru_cache(maxsize=8)
def _load(ref: TaskRef, model_labels: tuple[str, ...] | None) -> Task:
    if ref.kind == "builtin":
        builtin = BUILTIN_TASKS[ref.name]
        source = Source(f'the task "{ref.name}"', builtin.labels)
        max_length = min(builtin.max_length, ref.options.max_length or builtin.max_length)
        data = Data(read_builtin(ref.name, Path(ref.path)), ordered=True)
        labels = index_labels(data.examples, model_labels, source)
    else:
        source = Source(f'"{ref.path}"', given=ref.options.labels)
        max_length = ref.options.max_length
        data, labels = _read(ref, model_labels, source)
    unique = deduplicate(data, labels.indices)
    parts = split_data(data, unique, labels.names, source.where)
    return Task(
        ref.name,
        labels.names,
        max_length,
        parts.splits,
        key=hashlib.sha256("\0".join((ref.key, *labels.names)).encode()).hexdigest()[:16],
        duplicates=unique.duplicates,
        conflicts=unique.conflicts,
        unlabelled=without_labels(_unlabelled(ref), parts.splits),
        label_rule=labels.rule,
        notes=(*labels.notes, *parts.notes),
    )


def _read(
    ref: TaskRef, model_labels: tuple[str, ...] | None, source: Source
) -> tuple[Data, Labels]:
    """A data file and its labels; one error names the problems of both."""
    problems = Problems(source.where, TaskError)
    known = (*(model_labels or ()), *(ref.options.labels or ()))
    data = read_examples(Path(ref.path), ref.options, problems, known)
    if not data.examples:
        problems.check()
        raise TaskError(f"{source.where} has no row with a label; fill labels in.")
    try:
        labels = index_labels(data.examples, model_labels, source)
    except TaskError as error:
        if not problems:
            raise
        if isinstance(error.__cause__, LabelError):
            problems.add("", str(error))
        raise problems.error() from error
    problems.check()
    return data, labels


def _unlabelled(ref: TaskRef) -> Iterator[str]:
    """Unlabelled texts of the task: those of a built-in task, then those of the user's file."""
    if ref.kind == "builtin":
        yield from read_unlabelled(ref.name, Path(ref.path))
    if ref.options.unlabelled is not None:
        yield from read_unlabelled_file(Path(ref.options.unlabelled), ref.options.encoding)


def describe_task(ref: TaskRef, model_labels: tuple[str, ...] | None = None) -> dict[str, Any]:
    """The output of `paretoscope tasks NAME`: labels, and size and sha256 of each split."""
    task = load_task(ref, model_labels)
    unlabelled = {"examples": len(task.unlabelled), "sha256": task.unlabelled.sha256}
    return {
        "name": ref.name,
        "about": ref.about,
        "source": ref.source,
        "labels": list(task.labels),
        "metric": task.metric,
        "max_length": task.max_length,
        "notes": list(task.notes),
        "removed": {"duplicates": task.duplicates, "conflicting_labels": task.conflicts},
        "splits": {
            name: {"examples": len(split), "sha256": split.sha256, "classes": split.class_sizes()}
            for name, split in task.splits.items()
        },
        **({"unlabelled": unlabelled} if len(task.unlabelled) else {}),
        "key": ref.key,
    }


def export_split(task: Task, split: str, to: Path) -> int:
    """Write one split as JSON lines, completely or not at all; returns the number of examples."""
    if split not in SPLITS:
        raise TaskError(f'There is no split "{split}"; {did_you_mean(split, SPLITS)}')
    try:
        write_whole(to, task.splits[split].jsonl())
    except OSError as error:
        raise TaskError(
            f'The split "{split}" cannot be written to "{to}": {error.strerror}; choose another'
            " path."
        ) from error
    return len(task.splits[split])
