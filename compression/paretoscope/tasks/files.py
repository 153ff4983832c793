"""Data files of a user: texts with labels, or texts only, with every text and label checked.

File formats are in `tasks/tables.py`, the choice of columns in `tasks/columns.py`. Whether the
labels match a model is checked in `tasks/labels.py`, the number of examples in `tasks/splits.py`.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from paretoscope.errors import Problems, TaskError, did_you_mean
from paretoscope.tasks.columns import choose_text, choose_text_and_label
from paretoscope.tasks.data import Data
from paretoscope.tasks.given import group_names, split_names
from paretoscope.tasks.label_column import read_labels
from paretoscope.tasks.labels import Example
from paretoscope.tasks.ref import DataOptions
from paretoscope.tasks.tables import Table, decoded, read_table, split_lines


def read_examples(
    path: Path, options: DataOptions, problems: Problems, known: Collection[str] = ()
) -> Data:
    """Every labelled text of a data file, with notes about how it was read.

    Problems of rows are added to `problems`. `known` are the names of classes: a label such as
    "nan" is missing unless it is one of them.

    Raises:
        TaskError: the file or a column is missing or unreadable.
    """
    choose = choose_text_and_label(path, options)
    table = read_table(path, options.encoding, choose, problems, options.delimiter)
    column = read_labels(
        table.columns[1], table.places, problems, drop_missing=options.drop_missing, known=known
    )
    if options.drop_missing:
        table = table.only([label is not None for label in column.labels])
    texts = table.columns[0]
    _check_texts(texts, table.places, problems)
    data = _data(table, options, problems, path)
    labels = [label for label in column.labels if label is not None or not options.drop_missing]
    data.examples.extend(
        Example(text, label, place, row)
        for row, (text, label, place) in enumerate(zip(texts, labels, table.places, strict=True))
        if label is not None
    )
    return replace(data, notes=(*column.notes, *data.notes))


def read_texts(path: Path, options: DataOptions) -> Data:
    """Every text of a data file, or every document of a TXT file, with 0 for its label.

    Raises:
        TaskError: the file, the column or a text is missing or unreadable; names the place.
    """
    selected = (options.text_column, options.split_column, options.group_column)
    if path.suffix.lower() == ".txt" and any(selected):
        column = next(filter(None, selected))
        raise TaskError(
            f'"{path}" is plain text without columns; remove the column "{column}" or give CSV,'
            " JSONL or Parquet."
        )
    problems = Problems(f'"{path}"', TaskError)
    choose = choose_text(path, options.text_column)
    table = read_table(path, options.encoding, choose, problems, options.delimiter)
    (texts,) = table.columns
    _check_texts(texts, table.places, problems)
    data = _data(table, options, problems, path)
    problems.check()
    data.examples.extend(
        Example(text, 0, place, row)
        for row, (text, place) in enumerate(zip(texts, table.places, strict=True))
    )
    return data


def _data(table: Table, options: DataOptions, problems: Problems, path: Path) -> Data:
    """What the file says besides texts and labels; the examples are added by the caller."""
    split, group = options.split_column, options.group_column
    columns = dict(table.others)
    for role, name in (("split", split), ("group", group)):
        if name is not None and name not in columns:
            raise TaskError(
                f'"{path}" has no {role} column "{name}"; {did_you_mean(name, columns)}'
            )
    return Data(
        [],
        splits=split_names(columns[split], table.places, problems) if split else (),
        groups=group_names(columns[group], table.places, problems) if group else (),
        columns={name: values for name, values in columns.items() if name not in (split, group)},
        notes=table.notes,
        split_column=split,
        group_column=group,
    )


def read_unlabelled_file(path: Path, encoding: str) -> list[str]:
    """Texts to train on with a teacher: the lines of a TXT file, or the text column of another.

    Raises:
        TaskError: the file or its text column is missing or unreadable; names the place.
    """
    if path.suffix.lower() != ".txt":
        options = DataOptions(encoding=encoding)
        return [example.text for example in read_texts(path, options).examples]
    texts = [line.strip() for line in split_lines(decoded(path, encoding)) if line.strip()]
    if not texts:
        raise TaskError(f'"{path}" is empty; give a file with one text per line.')
    return texts


def _check_texts(texts: Sequence[Any], places: Sequence[str], problems: Problems) -> None:
    for text, place in zip(texts, places, strict=True):
        if text is not None and not isinstance(text, str):
            problems.add(
                place,
                f"the text has the type {type(text).__name__}, not text; select another column"
                " with --text-column.",
            )
        elif not text or not text.strip():
            problems.add(place, "the text is empty; fill it in or remove the row.")
        elif not _is_unicode(text):
            problems.add(
                place,
                "the text contains an unpaired surrogate, which is not a Unicode character; remove"
                " it.",
            )
        elif "\0" in text:
            problems.add(place, "the text contains a NUL character; remove it.")


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
