"""A task from its name: a built-in one, or a data file."""

from __future__ import annotations

import os
from pathlib import Path

from paretoscope.carriers import _INSTALL
from paretoscope.errors import TaskError, did_you_mean
from paretoscope.families.family import Architecture
from paretoscope.keys import file_sha256, short_key
from paretoscope.tasks.builtin import BUILTIN_TASKS
from paretoscope.tasks.ref import TaskRef
from paretoscope.tasks.splits import SPLIT_VERSION

DATA_SUFFIXES = (".csv", ".tsv", ".parquet", ".jsonl", ".ndjson", ".txt")


def resolve_task(
    name: str,
    *,
    text_column: str | None = None,
    label_column: str | None = None,
    encoding: str = "utf-8",
    architecture: Architecture | None = None,
    unlabelled: str | None = None,
) -> TaskRef:
    """A built-in name or a data file; raises `TaskError` in one sentence. Columns and encoding are
    for files.

    A file is read for the model's `architecture`: with labels for a classifier, as prose for a
    decoder. Without a model a TXT file is prose, any other has labels. `unlabelled` is a file of
    texts to learn from beside it, which is part of the key.
    """
    found = _labelled_task(name, text_column, label_column, encoding, architecture)
    return (
        found
        if unlabelled is None
        else _with_unlabelled(found, Path(os.path.abspath(Path(unlabelled).expanduser())), encoding)
    )


def _labelled_task(
    name: str,
    text_column: str | None,
    label_column: str | None,
    encoding: str,
    architecture: Architecture | None,
) -> TaskRef:
    if name in BUILTIN_TASKS:
        if text_column or label_column:
            raise TaskError(
                f'The task "{name}" is built in and has no columns to choose; leave'
                f' "{text_column or label_column}" out or give a data file.'
            )
        return _builtin_task(name)
    path = Path(os.path.abspath(Path(name).expanduser()))
    if path.is_file():
        return _file_task(
            path,
            text_column,
            label_column,
            encoding,
            architecture or ("decoder" if path.suffix.lower() == ".txt" else "classifier"),
        )
    if path.is_dir():
        raise TaskError(
            f'"{name}" is a folder; give a data file ({", ".join(DATA_SUFFIXES)}) in place of it.'
        )
    if os.sep in name or path.suffix:
        raise TaskError(
            f'There is no data file "{name}"; give a file that exists or a built-in task'
            f" ({', '.join(BUILTIN_TASKS)})."
        )
    raise TaskError(
        f'There is no task "{name}"; {did_you_mean(name, BUILTIN_TASKS)} A CSV, Parquet, JSONL or'
        " TXT file works too."
    )


def _builtin_task(name: str) -> TaskRef:
    task = BUILTIN_TASKS[name]
    folder, version = task.carrier.folder(), task.carrier.version()
    if folder is None or version is None:
        raise TaskError(
            f'The task "{name}" needs the package {task.carrier.package}, which is not installed;'
            f" {_INSTALL}."
        )
    key = short_key(name, task.carrier.package, version, SPLIT_VERSION)
    return TaskRef(
        name=name,
        kind="builtin",
        architecture="classifier" if task.labels else "decoder",
        metric=task.metric,
        path=str(folder / task.path),
        key=key,
        about=task.about,
        source=task.source,
    )


def _file_task(
    path: Path,
    text_column: str | None,
    label_column: str | None,
    encoding: str,
    architecture: Architecture,
) -> TaskRef:
    if path.suffix.lower() not in DATA_SUFFIXES:
        raise TaskError(
            f'The data file "{path}" ends in "{path.suffix}", which is not read; give one of'
            f" {', '.join(DATA_SUFFIXES)}."
        )
    if architecture == "decoder" and label_column:
        raise TaskError(
            "A language model reads prose, which has no labels; leave the label column"
            f' "{label_column}" out.'
        )
    if architecture == "classifier" and path.suffix.lower() == ".txt":
        raise TaskError(
            f'"{path}" is plain text without labels, which a classifier cannot be judged on; give a'
            " file with a text and a label column."
        )
    try:
        content = file_sha256(path)
    except OSError as error:
        raise TaskError(f'The data file "{path}" cannot be read: {error.strerror}.') from error
    return TaskRef(
        name=str(path),
        kind="file",
        architecture=architecture,
        metric="accuracy" if architecture == "classifier" else "perplexity",
        path=str(path),
        text_column=text_column,
        label_column=label_column,
        encoding=encoding,
        key=short_key(
            content,
            path.suffix.lower(),
            text_column or "",
            label_column or "",
            encoding,
            *_prose(architecture),
            SPLIT_VERSION,
        ),
        about=f"data of {path.name}",
        source="your own file",
    )


def _with_unlabelled(task: TaskRef, path: Path, encoding: str) -> TaskRef:
    if task.architecture == "decoder":
        raise TaskError(
            "A language model learns from no texts beside those of its task; leave the unlabelled"
            f' file "{path}" out.'
        )
    if path.suffix.lower() not in DATA_SUFFIXES:
        raise TaskError(
            f'The unlabelled texts "{path}" end in "{path.suffix}", which is not read; give one of'
            f" {', '.join(DATA_SUFFIXES)}."
        )
    try:
        content = file_sha256(path)
    except OSError as error:
        raise TaskError(
            f'The unlabelled texts "{path}" cannot be read: {error.strerror}.'
        ) from error
    key = short_key(task.key, "unlabelled", content, path.suffix.lower(), encoding)
    return task.model_copy(update={"unlabelled": str(path), "encoding": encoding, "key": key})


def _prose(architecture: Architecture) -> tuple[str, ...]:
    """What the key of a file that is read as prose has besides, so that the keys of others stay
    what they were.
    """
    return ("prose",) if architecture == "decoder" else ()
