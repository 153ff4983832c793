"""A task reference from a name: a built-in task, or a data file.

Data is only hashed here; `tasks/load.py` reads it.
"""

from __future__ import annotations

import os
from pathlib import Path

from paretoscope.carriers import INSTALL
from paretoscope.errors import TaskError, did_you_mean
from paretoscope.families.family import ArchitectureName
from paretoscope.keys import file_sha256, short_key
from paretoscope.tasks.builtin import BUILTIN_TASKS
from paretoscope.tasks.ref import DEFAULT_OPTIONS, SPLIT_VERSION, DataOptions, TaskRef
from paretoscope.tasks.tables import READING_VERSION

DATA_SUFFIXES = (".csv", ".tsv", ".parquet", ".jsonl", ".ndjson", ".txt")
COLUMNS = ("text_column", "label_column", "split_column", "group_column")
_SUPPORTED = ", ".join(DATA_SUFFIXES)


def resolve_task(
    name: str,
    options: DataOptions = DEFAULT_OPTIONS,
    *,
    architecture: ArchitectureName | None = None,
) -> TaskRef:
    """Resolve a built-in name or the path of a data file. Columns and encoding are for files.

    A file is read for the model's `architecture`: texts with labels for a classifier, prose for a
    decoder. Without a model a TXT file is prose and any other file has labels.

    Raises:
        TaskError: no such task or file, an unsupported format, or options that do not apply.
    """
    task = _without_unlabelled(name, options, architecture)
    return task if options.unlabelled is None else _with_unlabelled(task, options)


def _without_unlabelled(
    name: str, options: DataOptions, architecture: ArchitectureName | None
) -> TaskRef:
    if name in BUILTIN_TASKS:
        for column in COLUMNS:
            if selected := getattr(options, column):
                raise TaskError(
                    f'The built-in task "{name}" has no columns to select; remove the column'
                    f' "{selected}" or give a data file.'
                )
        if options.labels:
            raise TaskError(
                f'The labels of the built-in task "{name}" are known; remove the labels'
                f" {', '.join(options.labels)} or give a data file."
            )
        return _builtin_task(name, options)
    path = _absolute(name)
    if path.is_file():
        usual = "decoder" if path.suffix.lower() == ".txt" else "classifier"
        return _file_task(path, options, architecture or usual)
    if path.is_dir():
        raise TaskError(f'"{name}" is a folder; give a data file instead ({_SUPPORTED}).')
    if os.sep in name or path.suffix:
        raise TaskError(
            f'There is no data file "{name}"; give an existing file or a built-in task'
            f" ({', '.join(BUILTIN_TASKS)})."
        )
    raise TaskError(
        f'There is no task "{name}"; {did_you_mean(name, BUILTIN_TASKS)} You can also give a CSV,'
        " Parquet, JSONL or TXT file."
    )


def _builtin_task(name: str, options: DataOptions) -> TaskRef:
    task = BUILTIN_TASKS[name]
    folder, version = task.carrier.folder(), task.carrier.version()
    if folder is None or version is None:
        raise TaskError(
            f'The task "{name}" needs the package {task.carrier.package}, which is not installed;'
            f" {INSTALL}."
        )
    return TaskRef(
        name=name,
        kind="builtin",
        architecture="classifier" if task.labels else "decoder",
        metric=task.metric,
        path=str(folder / task.path),
        options=DataOptions(max_length=options.max_length),
        key=short_key(
            name, task.carrier.package, version, SPLIT_VERSION, *_length_key(options.max_length)
        ),
        about=task.about,
        source=task.source,
    )


def _file_task(path: Path, options: DataOptions, architecture: ArchitectureName) -> TaskRef:
    _check_suffix(path, "data file")
    if architecture == "decoder" and options.label_column:
        raise TaskError(
            f'The label column "{options.label_column}" does not apply to "{path}": a language'
            " model reads prose, which has no labels; remove the label column."
        )
    if architecture == "decoder" and options.labels:
        raise TaskError(
            f'The labels {", ".join(options.labels)} do not apply to "{path}": a language model'
            " reads prose, which has no labels; remove the labels."
        )
    if architecture == "classifier" and path.suffix.lower() == ".txt":
        raise TaskError(
            f'"{path}" is plain text without labels, but a classifier needs labels; give a file'
            " with a text and a label column."
        )
    options = options.model_copy(update={"unlabelled": None})
    return TaskRef(
        name=str(path),
        kind="file",
        architecture=architecture,
        metric="accuracy" if architecture == "classifier" else "perplexity",
        path=str(path),
        options=options,
        key=_file_key(path, options, architecture),
        about=f"data of {path.name}",
        source="your own file",
    )


def _file_key(path: Path, options: DataOptions, architecture: ArchitectureName) -> str:
    return short_key(
        _content(path, "data file"),
        path.suffix.lower(),
        options.text_column or "",
        options.label_column or "",
        options.encoding,
        # Files with labels were once truncated to 128 tokens, under a key without this part.
        *(("prose",) if architecture == "decoder" else ("the model's own maximum length",)),
        *_length_key(options.max_length),
        *(("labels", *options.labels) if options.labels else ()),
        *(("split", options.split_column) if options.split_column else ()),
        *(("group", options.group_column) if options.group_column else ()),
        *(("delimiter", options.delimiter) if options.delimiter else ()),
        *(("drop missing",) if options.drop_missing else ()),
        f"reading {READING_VERSION}",
        SPLIT_VERSION,
    )


def _length_key(max_length: int | None) -> tuple[str, ...]:
    return () if max_length is None else (f"at most {max_length} tokens",)


def _with_unlabelled(task: TaskRef, options: DataOptions) -> TaskRef:
    """The task with a file of unlabelled texts, which becomes part of its key."""
    path = _absolute(options.unlabelled or "")
    if task.architecture == "decoder":
        raise TaskError(
            f'The file of unlabelled texts "{path}" does not apply to "{task.name}": a language'
            " model trains only on the texts of its task; remove the file."
        )
    _check_suffix(path, "file of unlabelled texts")
    content = _content(path, "file of unlabelled texts")
    key = short_key(task.key, "unlabelled", content, path.suffix.lower(), options.encoding)
    added = {"unlabelled": str(path), "encoding": options.encoding}
    return task.model_copy(update={"options": task.options.model_copy(update=added), "key": key})


def _absolute(name: str) -> Path:
    return Path(os.path.abspath(Path(name).expanduser()))


def _check_suffix(path: Path, what: str) -> None:
    if path.suffix.lower() not in DATA_SUFFIXES:
        raise TaskError(
            f'The {what} "{path}" has the unsupported extension "{path.suffix}"; supported are'
            f" {_SUPPORTED}."
        )


def _content(path: Path, what: str) -> str:
    try:
        return file_sha256(path)
    except OSError as error:
        raise TaskError(
            f'The {what} "{path}" cannot be read: {error.strerror}; check its path and permissions.'
        ) from error
