"""The one family of errors that a person is meant to read, and the "did you mean" they share.

Every message has three parts: what was wrong (with the value), where, and what to do about it.
The command line prints it and exits with 2; a page shows it as a card. Programming mistakes stay
ordinary Python exceptions and are not caught as these.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Sequence

MAX_PROBLEMS = 10
"""Most lines of an error about several problems, and most places in one of them."""


class ParetoscopeError(Exception):
    """Something a person can put right; `str(error)` is one plain sentence or two."""


class RecipeError(ParetoscopeError):
    """A recipe that is not valid: an unknown key, a value out of range, an order that makes no
    sense.
    """


class ModelError(ParetoscopeError):
    """A model that cannot be found, read or compressed."""


class TaskError(ParetoscopeError):
    """A data set that cannot be found or read, or that does not fit the model."""


class ArtifactError(ParetoscopeError):
    """A compressed model that could not be made, or that failed its check against the original."""


class StoreError(ParetoscopeError):
    """A workspace or database that cannot be opened or written."""


class EngineError(ParetoscopeError):
    """The engine could not be started, reached or stopped."""


class Problems:
    """Everything that is wrong in one file, so that one error names all of it.

    `where` is the file or value, such as `"my.csv"` in quotes; a place is a part of it, such as
    "line 7" or "stage 2 (quantize)", or empty. Equal problems in several places are one line.

    >>> problems = Problems('"my.csv"', TaskError)
    >>> problems.add("line 7", "the text is empty; fill it in.")
    >>> str(problems.error())
    '"my.csv", line 7: the text is empty; fill it in.'
    >>> problems.add("line 3", "the label is missing; fill it in.")
    >>> problems.add("line 9", "the text is empty; fill it in.")
    >>> print(problems.error())
    "my.csv": 3 problems.
    - line 7, line 9: the text is empty; fill it in.
    - line 3: the label is missing; fill it in.
    """

    def __init__(self, where: str, kind: type[ParetoscopeError]) -> None:
        self._where, self._kind = where, kind
        self._places: dict[str, list[str]] = {}

    def __len__(self) -> int:
        return sum(map(len, self._places.values()))

    def add(self, place: str, what: str) -> None:
        """Add a problem: `what` is wrong and what to do, as the end of a sentence."""
        self._places.setdefault(what, []).append(place)

    def check(self) -> None:
        """Raise an error that names all problems, if there are any."""
        if self._places:
            raise self.error()

    def error(self) -> ParetoscopeError:
        """One sentence for one problem, else a line for each, at most `MAX_PROBLEMS`."""
        if len(self) == 1:
            ((what, (place,)),) = self._places.items()
            return self._kind(f"{self._where}{', ' if place else ''}{place}: {what}")
        lines = [
            f"- {_listed(places)}: {what}" if any(places) else f"- {what}"
            for what, places in self._places.items()
        ]
        if (more := len(lines) - MAX_PROBLEMS) > 0:
            lines[MAX_PROBLEMS:] = [f"- and {more} more."]
        return self._kind("\n".join([f"{self._where}: {len(self)} problems.", *lines]))


def _listed(places: Sequence[str]) -> str:
    more = len(places) - MAX_PROBLEMS
    return ", ".join(places[:MAX_PROBLEMS]) + (f" and {more} more" if more > 0 else "")


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """The end of a sentence that names the nearest known word, else all of them.

    >>> did_you_mean("minlm-trec", ["minilm-trec", "minilm-sms"])
    'did you mean "minilm-trec"?'
    >>> did_you_mean("x", ["b", "a"])
    'known are: a, b.'
    >>> did_you_mean("minilm-x", ["minilm-trec", "minilm-sms"])
    'known are: minilm-sms, minilm-trec.'
    """
    words = sorted(set(known))
    nearest = max(words, key=lambda each: _likeness(str(word), each), default="")
    return (
        f'did you mean "{nearest}"?'
        if _likeness(str(word), nearest) >= 0.7
        else f"known are: {', '.join(words)}."
    )


def _likeness(word: str, known: str) -> float:
    """From 0 to 1, of what follows the parts that both begin with: a family that is right says
    nothing about the rest.

    >>> _likeness("minilm-trek", "minilm-trec"), _likeness("minilm-nope", "minilm-movies")
    (0.75, 0.4)
    """
    ours, theirs = (re.split("[-_]", name) for name in (word, known))
    while len(ours) > 1 and len(theirs) > 1 and ours[0] == theirs[0]:
        ours, theirs = ours[1:], theirs[1:]
    return difflib.SequenceMatcher(None, "-".join(ours), "-".join(theirs)).ratio()
