"""Which output of a classifier a label is: by name, by the number in the name, or by index.

This file needs only the standard library: every artefact has a copy of it as `labels.py`, so that
`run.py --evaluate` reads labels as the measurement did.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal

MAX_NAMES, MAX_LENGTH = 20, 80
"""Most names that an error or a note lists, and most characters of each."""
_NUMBER = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]{1,3})?")
_IN_NAME = re.compile(r"(?:(?:^|(?<=[\s(\[:=]))[+-])?[0-9]+(?:\.[0-9]+)?")
"""A number in a name; a hyphen is a sign only at the start or after a space, not in "grade-10"."""
_WORDS = tuple("one two three four five six seven eight nine ten".split())
_STARS = re.compile(r"([★⭐🌟*]+)☆*")


class LabelError(ValueError):
    """Labels that are no output of the model, or more than one; `reason` follows a semicolon."""

    def __init__(self, labels: Sequence[str], reason: str, *, ambiguous: bool = False) -> None:
        self.labels, self.reason, self.ambiguous = tuple(labels), reason, ambiguous
        super().__init__(self.sentence([f'"{label}"' for label in labels]))

    def sentence(self, labels: Sequence[str], of: str = "") -> str:
        """The whole error; `labels` are those of the error with their places.

        >>> print(LabelError(["x"], "its outputs are: a, b").sentence(['"x" (line 2)'], " of it"))
        The label "x" (line 2) of it is not an output of the model; its outputs are: a, b.
        """
        one = len(labels) == 1
        verb = "is" if one else "are"
        what = "ambiguous" if self.ambiguous else "not an output of the model"
        if not one and not self.ambiguous:
            what = "not outputs of the model"
        return f"The label{'' if one else 's'} {listed(labels)}{of} {verb} {what}; {self.reason}."


@dataclass(frozen=True)
class Matching:
    """The output of each label, and the `rule` that found all of them."""

    rule: str
    """"name", "number" (the number in the name) or "index"."""
    outputs: dict[str, int]


def label_text(value: object) -> str | None:
    """The text of a label from JSON, Parquet or CSV, the same from each; None if it is missing.

    >>> label_text(True), label_text(1), label_text(1.0), label_text(float("nan")), label_text(" ")
    ('True', '1', '1.0', None, None)
    """
    if value is None or value != value:  # NaN is the only value that differs from itself
        return None
    text = str(value)
    return text if text.strip() else None


def number(text: str) -> Decimal | None:
    """The value of a text that is a number.

    >>> number(" 1e0") == number("01") == number("1.0"), number("one")
    (True, None)
    """
    stripped = text.strip()
    return Decimal(stripped) if _NUMBER.fullmatch(stripped) else None


def match_labels(
    labels: Iterable[str], outputs: Sequence[str], rule: str | None = None
) -> Matching:
    """The output of each of the distinct `labels`, all found by one rule.

    A label is the output of that name: exactly, else without outer spaces, else in any case, else
    by value ("1" is "1.0"). Labels that are no names are the numbers in the names ("4 stars"), or
    indices of the outputs. A `rule` that finds all labels has precedence.

    Raises `LabelError`.

    >>> match_labels(["4", "1"], ["1 star", "2 stars", "3 stars", "4 stars"]).outputs
    {'4': 3, '1': 0}
    """
    wanted = list(dict.fromkeys(labels))
    if rule and (found := _RULES[rule](wanted, outputs)):
        return Matching(rule, found)
    if named := by_name(wanted, outputs):
        return Matching("name", named)
    numbers, indices = _by_number(wanted, outputs), _by_index(wanted, outputs)
    if numbers and numbers != indices and _all_numbered(outputs):
        return Matching("number", numbers)
    if indices and not _contradicts(indices, outputs):
        return Matching("index", indices)
    if indices or numbers:
        reason = f"they could be indices of outputs or the values of their names: {listed(outputs)}"
        raise LabelError(wanted, reason, ambiguous=True)
    raise _unknown(wanted, outputs)


def by_name(labels: Sequence[str], outputs: Sequence[str]) -> dict[str, int] | None:
    """The output of each label by name; None if a label is no name. Raises `LabelError`."""
    for key in _KEYS:
        places: dict[Hashable, list[int]] = {}
        for index, name in enumerate(outputs):
            places.setdefault(key(name), []).append(index)
        if not all(key(label) in places for label in labels):
            continue
        if several := [label for label in labels if len(places[key(label)]) > 1]:
            same = places[key(several[0])]
            which = " and ".join(map(str, same))
            names = " and ".join(f'"{name}"' for name in dict.fromkeys(outputs[i] for i in same))
            raise LabelError(several, f"outputs {which} are named {names}", ambiguous=True)
        return {label: places[key(label)][0] for label in labels}
    return None


def listed(names: Sequence[str]) -> str:
    """Names with commas, at most `MAX_NAMES`; long ones are shortened."""
    more = f" and {len(names) - MAX_NAMES} more" if len(names) > MAX_NAMES else ""
    short = (name if len(name) <= MAX_LENGTH else f"{name[: MAX_LENGTH - 3]}..." for name in names)
    return ", ".join(list(short)[:MAX_NAMES]) + more


def folded(text: str) -> str:
    """The form in which names are equal in any case, Unicode composition and white space."""
    return " ".join(unicodedata.normalize("NFC", text).casefold().split())


def _exact(text: str) -> Hashable:
    return text


def _value(text: str) -> Hashable:
    value = number(text)
    return folded(text) if value is None else value


_KEYS: tuple[Callable[[str], Hashable], ...] = (_exact, str.strip, folded, _value)
"""What is compared, the strictest first."""


def _by_number(labels: Sequence[str], outputs: Sequence[str]) -> dict[str, int] | None:
    values = numbers_in(outputs)
    found = {label: number(label) for label in labels}
    if any(value is None or values.count(value) != 1 for value in found.values()):
        return None
    return {label: values.index(value) for label, value in found.items()}


def _by_index(labels: Sequence[str], outputs: Sequence[str]) -> dict[str, int] | None:
    found: dict[str, int] = {}
    for label in labels:
        index = whole(number(label))
        if index is None or not 0 <= index < len(outputs):
            return None
        found[label] = index
    return found


def _contradicts(indices: dict[str, int], outputs: Sequence[str]) -> bool:
    """Whether a label is also the name or number of another output, or all names are numbers.

    Numbers in names do not count if there is a label for every index: "0" to "4" for 1 to 5 stars.
    """
    named = {_truth(name): index for index, name in enumerate(outputs)}
    if None not in named:
        return any(named.get(Decimal(index), -1) != index for index in indices.values())
    if len(set(indices.values())) < len(outputs):
        values = numbers_in(outputs)
        named |= {value: index for index, value in enumerate(values) if values.count(value) == 1}
    named |= {number(name): index for index, name in enumerate(outputs)}
    named.pop(None, None)
    return any(named.get(Decimal(index), index) != index for index in indices.values())


def _truth(name: str) -> Decimal | None:
    """The value of a name that is a number or a truth value."""
    words = {"false": Decimal(0), "true": Decimal(1)}
    return words.get(folded(name), number(name))


def whole(value: Decimal | None) -> int | None:
    """The integer that a number is."""
    return None if value is None or value != value.to_integral_value() else int(value)


def numbers_in(outputs: Sequence[str]) -> list[Decimal | None]:
    """The number in each name; None where there is none, or more than one.

    A number that all names have in one place does not count. Names without digits may all have a
    number as a word or in stars.

    >>> numbers_in(["level 1 of 2", "level 2 of 2"]), numbers_in(["two stars", "★☆"])
    ([Decimal('1'), Decimal('2')], [Decimal('2'), Decimal('1')])
    """
    found = [_IN_NAME.findall(_plain_digits(name)) for name in outputs]
    if not any(found):
        values = [_in_words(name) for name in outputs]
        return values if None not in values else [None] * len(values)
    columns = list(zip(*found, strict=False))
    if len(columns) > 1 and len({len(each) for each in found}) == 1:
        varying = [column for column in columns if len(set(column)) > 1]
        found = [list(each) for each in zip(*varying, strict=True)] or found
    return [Decimal(each[0]) if len(each) == 1 else None for each in found]


def _plain_digits(name: str) -> str:
    """The name with ASCII digits for those of other scripts, in circles, or raised."""
    text = unicodedata.normalize("NFKC", name)
    return "".join(str(int(char)) if char.isdecimal() else char for char in text)


def _in_words(name: str) -> Decimal | None:
    """The number that a name without digits has as an English word or in stars."""
    text = folded(name).replace("\ufe0f", "")
    if stars := _STARS.fullmatch(text):
        return Decimal(len(stars[1]))
    words = [word for word in re.findall(r"[a-z]+", text) if word in _WORDS]
    return Decimal(_WORDS.index(words[0]) + 1) if len(words) == 1 else None


def _all_numbered(outputs: Sequence[str]) -> bool:
    values = numbers_in(outputs)
    return None not in values and len(set(values)) == len(values)


def _unknown(labels: Sequence[str], outputs: Sequence[str]) -> LabelError:
    """The error that lists the outputs, with indices if all labels are numbers and no name is."""
    are_numbers = [number(label) is not None for label in labels]
    if all(are_numbers) and all(number(name) is None for name in outputs):
        last = len(outputs) - 1
        wrong = [label for label in labels if not _by_index([label], outputs)]
        return LabelError(wrong, f"its outputs are 0 to {last}: {listed(outputs)}")
    known = {_value(name) for name in outputs}
    wrong = [label for label in labels if _value(label) not in known]
    return LabelError(wrong, f"its outputs are: {listed(outputs)}")


_RULES: dict[str, Callable[[Sequence[str], Sequence[str]], dict[str, int] | None]] = {
    "name": by_name,
    "number": _by_number,
    "index": _by_index,
}
