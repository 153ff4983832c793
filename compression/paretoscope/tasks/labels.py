"""From labels in the data (names or integers) to indices of a model's outputs.

Reading the data is in `tasks/files.py` and `tasks/builtin.py`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from paretoscope.errors import TaskError

MAX_NAMES = 20
"""Most label names that an error lists."""


@dataclass(frozen=True)
class Example:
    """One text with its label, a name or an integer; `place` is its location in the file."""

    text: str
    label: str | int
    place: str = ""
    """Such as "line 7"; empty when the data is not a file."""
    row: int = 0
    """Index of its row in the columns of the file."""


def index_labels(
    examples: Sequence[Example],
    own_order: tuple[str, ...] | None,
    outputs: tuple[str, ...] | None,
    where: str,
) -> tuple[tuple[str, ...], list[int]]:
    """Class names in the order of their index, and the index of every example.

    `outputs` are the names of the model's outputs, None without a model. If there is no model, or
    if its names are only LABEL_0, LABEL_1, ..., the order of named classes is the data's
    `own_order`, else alphabetical. Integer labels are indices of outputs. `where` names the data in
    an error.

    >>> index_labels([Example("a", "spam"), Example("b", "ham")], None, None, "here")
    (('ham', 'spam'), [1, 0])
    >>> index_labels([Example("a", "spam"), Example("b", "ham")], None, ("SPAM", "HAM"), "here")
    (('SPAM', 'HAM'), [0, 1])
    >>> index_labels([Example("a", 0), Example("b", 1)], None, ("neg", "pos"), "here")
    (('neg', 'pos'), [0, 1])
    """
    values = dict.fromkeys(example.label for example in examples)
    if len(values) == 1:
        raise single_class(str(next(iter(values))), where)
    are_numbers = all(isinstance(value, int) for value in values)
    if outputs is not None and are_numbers and not any(name.isdecimal() for name in outputs):
        return outputs, [_checked_index(example, outputs, where) for example in examples]
    names = own_order or tuple(str(value) for value in sorted(values, key=_numbers_first))
    if outputs is None:
        return names, _by_name(examples, names, where)
    if not _only_numbered(outputs) or _folded(names) <= _folded(outputs):
        return outputs, _by_name(examples, outputs, where)
    if len(names) != len(outputs):
        raise TaskError(
            f"The model has {len(outputs)} unnamed outputs, but {where} has {len(names)} classes"
            f" ({_listed(names)}); give integer labels from 0, or name the outputs in id2label of"
            " the model's config.json."
        )
    return names, _by_name(examples, names, where)


def single_class(label: str, where: str) -> TaskError:
    """The error for data in which all examples have one label."""
    return TaskError(
        f'Every example of {where} has the label "{label}"; a classifier needs at least two'
        " classes, so add examples of another."
    )


def _numbers_first(value: str | int) -> tuple[int, str]:
    return (value if isinstance(value, int) else 0, str(value))


def _only_numbered(outputs: Sequence[str]) -> bool:
    return all(re.fullmatch(r"LABEL_\d+", name) for name in outputs)


def _folded(names: Sequence[str]) -> set[str]:
    return {name.casefold() for name in names}


def _by_name(examples: Sequence[Example], names: tuple[str, ...], where: str) -> list[int]:
    """Indices by exact name, else by case-insensitive name if those are unique."""
    exact = {name: index for index, name in enumerate(names)}
    folded = {name.casefold(): index for index, name in enumerate(names)}
    any_case = folded if len(folded) == len(exact) else {}
    indices: list[int] = []
    for example in examples:
        label = str(example.label)
        index = exact.get(label, any_case.get(label.casefold()))
        if index is None:
            raise TaskError(
                f'The label "{label}" of {where}{_at(example)} is not an output of the model;'
                f" its outputs are: {_listed(names)}."
            )
        indices.append(index)
    return indices


def _checked_index(example: Example, outputs: tuple[str, ...], where: str) -> int:
    index = int(example.label)
    if not 0 <= index < len(outputs):
        raise TaskError(
            f"The label {index} of {where}{_at(example)} is not an output of the model; its outputs"
            f" are 0 to {len(outputs) - 1}: {_listed(outputs)}."
        )
    return index


def _at(example: Example) -> str:
    return f" ({example.place})" if example.place else ""


def _listed(names: tuple[str, ...]) -> str:
    more = f" and {len(names) - MAX_NAMES} more" if len(names) > MAX_NAMES else ""
    return ", ".join(names[:MAX_NAMES]) + more
