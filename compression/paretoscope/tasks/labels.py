"""From the labels of examples to indices of a model's outputs, with notes on how they were read.

The rule is in `tasks/label_matching.py`. Reading the data is in `tasks/files.py` and
`tasks/builtin.py`.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from paretoscope.errors import TaskError
from paretoscope.tasks.label_matching import (
    LabelError,
    by_name,
    folded,
    listed,
    match_labels,
    number,
    numbers_in,
    whole,
)

GUESS = "order"
"""The rule of labels whose order is a guess, because the model's outputs have no names."""


@dataclass(frozen=True)
class Example:
    """One text with its label, a name or an integer; `place` is its location in the file."""

    text: str
    label: str | int
    place: str = ""
    """Such as "line 7"; empty when the data is not a file."""
    row: int = 0
    """Index of its row in the columns of the file."""


@dataclass(frozen=True)
class Labels:
    """Class `names` by index, the index of every example, and how the labels were read.

    `rule` is that of `Matching`, or `GUESS`. `notes` are sentences for every result.
    """

    names: tuple[str, ...]
    indices: list[int]
    rule: str = "name"
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Source:
    """What is known of the labels besides the examples.

    `where` names the data in an error. `order` are the labels of a built-in task in their order,
    `given` those that the user set in the order of the outputs.
    """

    where: str
    order: tuple[str, ...] | None = None
    given: tuple[str, ...] | None = None


def index_labels(
    examples: Sequence[Example], outputs: tuple[str, ...] | None, source: Source
) -> Labels:
    """Class names in the order of their index, and the index of every example.

    `outputs` are the names of the model's outputs, None without a model. If there is no model, or
    if its names are only LABEL_0, LABEL_1, ..., the order of named classes is that of the built-in
    task, else alphabetical. Labels that the user set become the names of the outputs.

    Raises:
        TaskError: a label is not an output, or could be several.

    >>> spam = [Example("a", "spam"), Example("b", "ham")]
    >>> index_labels(spam, None, Source("here")).names
    ('ham', 'spam')
    >>> index_labels(spam, ("SPAM", "HAM"), Source("here")).indices
    [0, 1]
    >>> index_labels([Example("a", 0), Example("b", 1)], ("neg", "pos"), Source("here")).rule
    'index'
    """
    texts = [str(example.label) for example in examples]
    if source.given is not None:
        _check_given(source.given, outputs, source.where)
    classes = class_names(dict.fromkeys(texts))
    if len(set(classes.values())) == 1:
        raise single_class(next(iter(classes.values())), source.where)
    try:
        found = _matched(classes, outputs, source)
    except LabelError as error:
        raise _refused(error, examples, outputs, source) from error
    per_label = dict(zip(classes, found.indices, strict=True))
    return Labels(
        unique_names(found.names),
        [per_label[text] for text in texts],
        found.rule,
        found.notes + (_case_notes(found.names) if not outputs or found.rule == GUESS else ()),
    )


def single_class(label: str, where: str) -> TaskError:
    """The error for data in which all examples have one label."""
    return TaskError(
        f'Every example of {where} has the label "{label}"; a classifier needs at least two'
        " classes, so add examples of another."
    )


def class_names(labels: Sequence[str] | Mapping[str, object]) -> dict[str, str]:
    """The class of each label without a model; the classes are in order.

    Labels that are all numbers are equal by value ("1" and "1.0"), unless one has a leading zero;
    other labels are equal without outer spaces.

    >>> class_names(["2.0", "10", "2"])
    {'2': '2', '2.0': '2', '10': '10'}
    >>> class_names(["10", "02", " 01"])
    {' 01': '01', '02': '02', '10': '10'}
    """
    values = {label: number(label) for label in labels}
    plain = all(
        value is not None and not re.match(r"[+-]?0[0-9]", label.strip())
        for label, value in values.items()
    )

    def order(label: str) -> tuple[bool, Decimal, str]:
        value = values[label]
        return value is None, value or Decimal(0), label.strip()

    return {
        label: _number_name(values[label]) if plain else label.strip()
        for label in sorted(labels, key=order)
    }


def unique_names(names: tuple[str, ...]) -> tuple[str, ...]:
    """The names, with the index where several outputs have one name.

    >>> unique_names(("a", "b", "a"))
    ('a (0)', 'b', 'a (2)')
    """
    count = Counter(names)
    unique = tuple(
        f"{name} ({index})" if count[name] > 1 else name for index, name in enumerate(names)
    )
    return unique if len(set(unique)) == len(unique) else unique_names(unique)


def _number_name(value: Decimal | None) -> str:
    assert value is not None
    integer = whole(value)
    return f"{value.normalize():f}" if integer is None else str(integer)


def _matched(classes: Mapping[str, str], outputs: tuple[str, ...] | None, source: Source) -> Labels:
    """The names of the classes, and the index of each label of `classes`."""
    if source.given is not None:
        return _given(classes, outputs, source.given)
    names = source.order or tuple(dict.fromkeys(classes.values()))
    if outputs is None:
        return Labels(names, [names.index(name) for name in classes.values()])
    try:
        found = match_labels(classes, outputs)
    except LabelError as error:
        named = any(number(label) is None for label in classes)
        if error.ambiguous or not named or not _unnamed(outputs) or len(names) != len(outputs):
            raise
        indices = [names.index(name) for name in classes.values()]
        return Labels(names, indices, GUESS, (_guess_note(names, source),))
    notes = _notes(found.rule, found.outputs, outputs)
    return Labels(outputs, list(found.outputs.values()), found.rule, notes)


def _given(
    classes: Mapping[str, str], outputs: tuple[str, ...] | None, given: tuple[str, ...]
) -> Labels:
    found = by_name(list(classes), given)
    if found is None:
        wrong = [label for label in classes if by_name([label], given) is None]
        reason = f"the labels set with --labels are: {listed(given)}"
        raise LabelError(wrong or list(classes), reason)
    notes: tuple[str, ...] = ()
    if outputs is not None and not _unnamed(outputs) and outputs != given:
        pairs = [f'{ours} is "{theirs}"' for ours, theirs in zip(given, outputs, strict=True)]
        notes = (f"Labels were assigned to the outputs of the model: {listed(pairs)}.",)
    return Labels(given, list(found.values()), "name", notes)


def _check_given(given: tuple[str, ...], outputs: tuple[str, ...] | None, where: str) -> None:
    """Raise `TaskError` unless `given` has one label for each output."""
    if outputs is not None and len(given) != len(outputs):
        raise TaskError(
            f"The {len(given)} labels set with --labels for {where} do not match the"
            f" {len(outputs)} outputs of the model ({listed(outputs)}); set one label for each"
            " output, in their order."
        )
    several = [name for name, count in Counter(given).items() if count > 1]
    if several or len(given) < 2 or not all(map(str.strip, given)):
        raise TaskError(
            f"The labels set with --labels for {where} are {', '.join(given) or 'empty'}; set"
            " different names, one for each output of the model, in their order."
        )


def _notes(rule: str, found: Mapping[str, int], outputs: tuple[str, ...]) -> tuple[str, ...]:
    """What a reader has to know about labels that were read as numbers or indices."""
    pairs = listed([f'{label} is "{outputs[index]}"' for label, index in found.items()])
    if rule == "number":
        return (f"Labels were read as the numbers in the names of outputs: {pairs}.",)
    if rule != "index":
        return ()
    absent = [
        f'{index} ("{name}")' for index, name in enumerate(outputs) if index not in found.values()
    ]
    if absent:
        return (f"Labels were read as indices of outputs: {pairs}; no row has {listed(absent)}.",)
    values = numbers_in(outputs)
    misleading = any(value is not None and value != index for index, value in enumerate(values))
    return (f"Labels were read as indices of outputs: {pairs}.",) if misleading else ()


def _case_notes(names: tuple[str, ...]) -> tuple[str, ...]:
    """Names that differ only in case or white space, which may be one class."""
    forms: dict[str, list[str]] = {}
    for name in dict.fromkeys(names):
        forms.setdefault(folded(name), []).append(f'"{name}"')
    return tuple(
        f"The labels {listed(same)} differ only in case, and are {len(same)} classes."
        for same in forms.values()
        if len(same) > 1
    )


def _guess_note(names: Sequence[str], source: Source) -> str:
    pairs = listed([f"{index} = {name}" for index, name in enumerate(names)])
    order = "the order of the task's labels" if source.order else "the alphabetical order"
    remedy = (
        "name the outputs in id2label of the model's config.json"
        if source.order
        else "set it with --labels"
    )
    return (
        f"Warning: the model's outputs have no names, so {order} is a guess: {pairs}. If the model"
        f" was trained with another order, {remedy}."
    )


def _unnamed(outputs: Sequence[str]) -> bool:
    return all(re.fullmatch(r"LABEL_\d+", name) for name in outputs)


def _refused(
    error: LabelError,
    examples: Sequence[Example],
    outputs: tuple[str, ...] | None,
    source: Source,
) -> TaskError:
    """The error with the places of the labels, and what to do."""
    places = {str(example.label): example.place for example in reversed(examples)}
    hint = "Name the outputs in id2label of the model's config.json."
    if source.given is not None:
        hint = "Correct them."
    elif source.order is None:
        hint = "set the labels of the data in the order of the outputs with --labels."
        if error.ambiguous and any(number(label) is None for label in error.labels):
            hint = f"use indices of outputs as labels, or {hint}"
        hint = hint[0].upper() + hint[1:]
    names = source.order or tuple(dict.fromkeys(class_names(list(places)).values()))
    if outputs and _unnamed(outputs) and source.given is None and number(names[-1]) is None:
        return TaskError(
            f"The model has {len(outputs)} unnamed outputs, but {source.where} has {len(names)}"
            f" classes ({listed(names)}). {hint}"
        )
    located = [
        f'"{label}"' + (f" ({places[label]})" if places[label] else "") for label in error.labels
    ]
    return TaskError(f"{error.sentence(located, f' of {source.where}')} {hint}")
