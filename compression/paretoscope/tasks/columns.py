"""Which columns of a data file hold the texts and the labels.

Reading the chosen columns is in `tasks/tables.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from paretoscope.errors import TaskError, did_you_mean
from paretoscope.tasks.ref import DataOptions

TEXT_COLUMNS = (
    "text sentence content review question message document body comment tweet utterance query"
    " article description headline title prompt input"
).split()
LABEL_COLUMNS = (
    "label_text label_name label labels class category target sentiment topic intent coarse_label"
    " class_name spam rating stars tag y output"
).split()
"""Common names, most likely first. Columns with class names precede columns with class numbers."""

Choose = Callable[[Sequence[str]], tuple[str, ...]]
"""Selects columns from the names of all columns."""


def choose_text(path: Path, text_column: str | None) -> Choose:
    """Selects the text column; it is guessed from common names if it is None."""
    return lambda names: (_column(names, text_column, TEXT_COLUMNS, "text", path),)


def choose_text_and_label(path: Path, options: DataOptions) -> Choose:
    """Selects text and label column; a column that is None is guessed from common names."""

    def choose(names: Sequence[str]) -> tuple[str, ...]:
        text = _column(names, options.text_column, TEXT_COLUMNS, "text", path)
        label = _column(names, options.label_column, LABEL_COLUMNS, "label", path)
        if text == label:
            raise TaskError(
                f'The column "{text}" of "{path}" is selected for both texts and labels; select'
                " two columns."
            )
        return text, label

    return choose


def common_columns(names: Sequence[str]) -> tuple[str | None, str | None]:
    """The text and the label column that are chosen by name when none is selected.

    None where no name is common, or where two are.

    >>> common_columns(["id", "Review", "stars"]), common_columns(["a", "b"])
    (('Review', 'stars'), (None, None))
    """

    def found(common: Sequence[str]) -> str | None:
        try:
            return _guessed(names, common, "", Path())
        except TaskError:
            return None

    return found(TEXT_COLUMNS), found(LABEL_COLUMNS)


def _column(
    names: Sequence[str], selected: str | None, common: Sequence[str], role: str, path: Path
) -> str:
    if selected is not None and selected not in names:
        raise TaskError(
            f'"{path}" has no {role} column "{selected}"; {did_you_mean(selected, names)}'
        )
    found = selected or _guessed(names, common, role, path)
    if found is None:
        raise TaskError(
            f'"{path}" has no column with a common name for the {role}; its columns are:'
            f" {', '.join(names)}. Select the {role} column with --{role}-column."
        )
    if names.count(found) > 1:
        raise TaskError(f'"{path}" has {names.count(found)} columns named "{found}"; rename them.')
    return found


def _guessed(names: Sequence[str], common: Sequence[str], role: str, path: Path) -> str | None:
    """The column with the most common name; None without one, an error for two of them."""
    by_form: dict[str, list[str]] = {}
    for name in dict.fromkeys(names):
        by_form.setdefault(name.strip().lower(), []).append(name)
    alike = by_form.get(next((name for name in common if name in by_form), ""), [])
    if len(alike) > 1:
        listed = " and ".join(f'"{name}"' for name in alike)
        raise TaskError(
            f'"{path}" has the columns {listed}; select the {role} column with --{role}-column, or'
            " rename one."
        )
    return alike[0] if alike else None
