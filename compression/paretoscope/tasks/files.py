"""Data files of a user: texts with labels, or texts only, with every text and label checked.

File formats are in `tasks/tables.py`, the choice of columns in `tasks/columns.py`. Whether the
labels match a model is checked in `tasks/labels.py`, the number of examples in `tasks/splits.py`.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

from paretoscope.errors import Problems, TaskError
from paretoscope.tasks.columns import choose_text, choose_text_and_label
from paretoscope.tasks.label_column import read_labels
from paretoscope.tasks.labels import Example
from paretoscope.tasks.ref import DataOptions
from paretoscope.tasks.tables import decoded, read_table


def read_examples(
    path: Path, options: DataOptions, known: Collection[str] = ()
) -> tuple[list[Example], tuple[str, ...]]:
    """Every labelled text of a data file, and notes about its labels.

    `known` are the names of classes: a label such as "nan" is missing unless it is one of them.

    Raises:
        TaskError: the file, a column, a text or a label is missing or unreadable; names the place.
    """
    table = read_table(path, options.encoding, choose_text_and_label(path, options))
    texts, values = table.columns
    problems = Problems(f'"{path}"', TaskError)
    column = read_labels(
        values, table.places, problems, drop_missing=options.drop_missing, known=known
    )
    problems.check()
    labelled = [
        (text, label, place)
        for text, label, place in zip(texts, column.labels, table.places, strict=True)
        if label is not None
    ]
    _check_texts([text for text, _, _ in labelled], [place for _, _, place in labelled], path)
    return [Example(text, label, place) for text, label, place in labelled], column.notes


def read_texts(path: Path, options: DataOptions) -> list[Example]:
    """Every text of a data file, or every document of a TXT file, with 0 for its label.

    Raises:
        TaskError: the file, the column or a text is missing or unreadable; names the place.
    """
    table = read_table(path, options.encoding, choose_text(path, options.text_column))
    (texts,) = table.columns
    _check_texts(texts, table.places, path)
    return [Example(text, 0, place) for text, place in zip(texts, table.places, strict=True)]


def read_unlabelled_file(path: Path, encoding: str) -> list[str]:
    """Texts to train on with a teacher: the lines of a TXT file, or the text column of another.

    Raises:
        TaskError: the file or its text column is missing or unreadable; names the place.
    """
    if path.suffix.lower() != ".txt":
        return [example.text for example in read_texts(path, DataOptions(encoding=encoding))]
    texts = [line.strip() for line in decoded(path, encoding).splitlines() if line.strip()]
    if not texts:
        raise TaskError(f'"{path}" is empty; give a file with one text per line.')
    return texts


def _check_texts(texts: Sequence[Any], places: Sequence[str], path: Path) -> None:
    empty: list[str] = []
    for text, place in zip(texts, places, strict=True):
        if text is not None and not isinstance(text, str):
            raise TaskError(
                f'The text in {place} of "{path}" has the type {type(text).__name__}, not text;'
                " select another column with --text-column."
            )
        if not _is_unicode(text or ""):
            raise TaskError(
                f'The text in {place} of "{path}" contains an unpaired surrogate, which is not a'
                " Unicode character; remove it."
            )
        if not (text or "").strip():
            empty.append(place)
    if empty:
        count = "1 empty text" if len(empty) == 1 else f"{len(empty)} empty texts"
        raise TaskError(
            f'"{path}" has {count}, the first in {empty[0]}; fill in or remove these rows.'
        )


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
