"""From labels as data has them (names or integers) to indices of a model's outputs.

Only the matching is here; reading data is `tasks/files.py`'s and `tasks/builtin.py`'s.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from paretoscope.errors import TaskError

SHOWN = 20
"""So many names at most stand in an error."""


@dataclass(frozen=True)
class Example:
    """One text with its label by name or by number; `place` is where it stands in its file ("line
    7").
    """

    text: str
    label: str | int
    place: str = ""


def index_labels(
    examples: Sequence[Example],
    own_order: tuple[str, ...] | None,
    outputs: tuple[str, ...] | None,
    where: str,
) -> tuple[tuple[str, ...], list[int]]:
    """Class names in the order of their index, and the index of every example.

    `outputs` names the model's outputs, or is None when no model is known. Then, or when its names
    are only LABEL_0, LABEL_1, ..., named classes take the data's `own_order`, else the alphabet's.
    Integers are indices of outputs.

    >>> index_labels([Example("a", "spam"), Example("b", "ham")], None, None, "here")
    (('ham', 'spam'), [1, 0])
    >>> index_labels([Example("a", "spam"), Example("b", "ham")], None, ("SPAM", "HAM"), "here")
    (('SPAM', 'HAM'), [0, 1])
    >>> index_labels([Example("a", 0), Example("b", 1)], None, ("neg", "pos"), "here")
    (('neg', 'pos'), [0, 1])
    """
    values = dict.fromkeys(example.label for example in examples)
    if len(values) == 1:
        raise TaskError(
            f'Every example of {where} has the label "{next(iter(values))}"; a classifier needs at'
            " least two classes."
        )
    numbers = all(isinstance(value, int) for value in values)
    if outputs is not None and numbers and not any(name.isdecimal() for name in outputs):
        return outputs, [_checked_index(example, outputs, where) for example in examples]
    names = own_order or tuple(
        str(value)
        for value in sorted(
            values, key=lambda value: (value if isinstance(value, int) else 0, str(value))
        )
    )
    if outputs is None:
        return names, _by_name(examples, names, where)
    if not all(re.fullmatch(r"LABEL_\d+", name) for name in outputs) or {
        name.casefold() for name in names
    } <= {name.casefold() for name in outputs}:
        return outputs, _by_name(examples, outputs, where)
    if len(names) != len(outputs):
        raise TaskError(
            f"The model has {len(outputs)} outputs without names, but {where} has {len(names)}"
            f" classes ({_shown(names)}); give labels as integers from 0, or name the outputs in"
            " the model's id2label."
        )
    return names, _by_name(examples, names, where)


def _by_name(examples: Sequence[Example], names: tuple[str, ...], where: str) -> list[int]:
    """Indices by exact name, else by name in any case where that is clear."""
    exact = {name: index for index, name in enumerate(names)}
    folded = {name.casefold(): index for index, name in enumerate(names)}
    any_case = folded if len(folded) == len(exact) else {}
    indices: list[int] = []
    for example in examples:
        label = str(example.label)
        index = exact.get(label, any_case.get(label.casefold()))
        if index is None:
            at = f" ({example.place})" if example.place else ""
            raise TaskError(
                f'The label "{label}" of {where}{at} is not one that the model knows; known are:'
                f" {_shown(names)}."
            )
        indices.append(index)
    return indices


def _checked_index(example: Example, outputs: tuple[str, ...], where: str) -> int:
    index = int(example.label)
    if not 0 <= index < len(outputs):
        at = f" ({example.place})" if example.place else ""
        raise TaskError(
            f"The label {index} of {where}{at} is not an output of the model, which has 0 to"
            f" {len(outputs) - 1}: {_shown(outputs)}."
        )
    return index


def _shown(names: tuple[str, ...]) -> str:
    return ", ".join(names[:SHOWN]) + (
        f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    )
