"""Near-duplicates: texts that differ from a training text in case, punctuation, digits, white space
or few words.

Two texts share few words of the vocabulary's rarest unless they are nearly equal, so only texts
that share one of those are compared (prefix filtering: Chaudhuri et al., "A Primitive Operator for
Similarity Joins in Data Cleaning", ICDE 2006; Bayardo et al., "Scaling Up All Pairs Similarity
Search", WWW 2007).
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Sequence
from difflib import SequenceMatcher

from paretoscope.tasks.words import words

MAX_HELD_OUT = 2_000
MAX_TRAIN = 20_000
MAX_WORDS = 200
"""Most texts that are compared, and most words of one; the share of the rest is the same."""
OVERLAP = 0.8
"""Smallest share of common words among all words of two near-duplicates."""
SIMILARITY = 0.9
"""Smallest share of equal words in equal order: one in ten words may differ."""
MAX_CANDIDATES = 50
"""Most training texts that one text is compared with; templates share words with many."""
MAX_ALIGNED = 3_000
"""Most pairs of which the order of words is compared, which is slow."""

_OTHER_THAN_LETTERS = str.maketrans(
    {chr(code): " " for code in range(0x3100) if not chr(code).isalpha()}
)


def near_duplicates(held_out: Sequence[str], train: Sequence[str]) -> float:
    """The share of the `held_out` texts that are near-duplicates of a text of `train`.

    >>> near_duplicates(["Only 5 left!", "A different text"], ["only 7  left.", "Something else"])
    0.5
    """
    tested = [_letters(text) for text in held_out[:MAX_HELD_OUT]]
    if not tested:
        return 0.0
    known = [_letters(text) for text in train[:MAX_TRAIN]]
    exact = {tuple(text) for text in known if text}
    rest = [text for text in tested if text and tuple(text) not in exact]
    equal = sum(bool(text) and tuple(text) in exact for text in tested)
    return (equal + _similar(rest, known)) / len(tested)


def _letters(text: str) -> list[str]:
    """The words of a text without punctuation and digits, in lower case."""
    return words(text.casefold().translate(_OTHER_THAN_LETTERS))[:MAX_WORDS]


def _similar(tested: Sequence[list[str]], known: Sequence[list[str]]) -> int:
    """How many of the tested texts are similar to a known one."""
    sets = [frozenset(text) for text in known]
    frequency = Counter(word for text in sets for word in text)
    places: dict[str, list[int]] = defaultdict(list)
    for index, text in enumerate(sets):
        for word in _rarest(text, frequency):
            places[word].append(index)
    found = aligned = 0
    for text in tested:
        own = frozenset(text)
        candidates = (place for word in _rarest(own, frequency) for place in places[word])
        for place in list(dict.fromkeys(candidates))[:MAX_CANDIDATES]:
            other = sets[place]
            common = len(own & other)
            if common < OVERLAP * (len(own) + len(other) - common) or aligned >= MAX_ALIGNED:
                continue
            aligned += 1
            if SequenceMatcher(None, text, known[place], autojunk=False).ratio() >= SIMILARITY:
                found += 1
                break
    return found


def _rarest(text: frozenset[str], frequency: Counter[str]) -> list[str]:
    """The rarest words of a text, one of which any text with `OVERLAP` shares."""
    count = len(text) - math.ceil(OVERLAP * len(text)) + 1
    return sorted(text, key=lambda word: (frequency[word], word))[:count]
