"""Near-duplicates: texts that differ from a training text in case, punctuation, digits, white space
or few words.

Two texts share few words of the vocabulary's rarest unless they are nearly equal, so only texts
that share one of those are compared (prefix filtering: Chaudhuri et al., "A Primitive Operator for
Similarity Joins in Data Cleaning", ICDE 2006; Bayardo et al., "Scaling Up All Pairs Similarity
Search", WWW 2007).
"""

from __future__ import annotations

import math
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from difflib import SequenceMatcher
from itertools import chain, islice

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

_PUNCTUATION = str.maketrans(
    {chr(code): " " for code in range(0x3100) if unicodedata.category(chr(code))[0] in "PSZC"}
)


def near_duplicates(held_out: Sequence[str], train: Sequence[str]) -> float:
    """The share of the `held_out` texts that are near-duplicates of a text of `train`.

    >>> near_duplicates(["Only 5 left!", "A different text"], ["only 7  left.", "Something else"])
    0.5
    """
    tested = [_words(text) for text in held_out[:MAX_HELD_OUT]]
    known = [_words(text) for text in train[:MAX_TRAIN]]
    count = Counter(word for text in known for word in set(text))
    rank = {word: place for place, word in enumerate(sorted(count, key=lambda w: (count[w], w)))}
    trained = [_ranks(text, rank) for text in known]
    exact = {tuple(text) for text in trained if text}
    equal = 0
    rest: list[list[int]] = []
    for text in tested:
        ranks = _ranks(text, rank)
        if tuple(ranks) in exact:
            equal += 1
        else:
            rest.append(ranks)
    return (equal + _similar(rest, trained)) / max(1, len(tested))


def _words(text: str) -> list[str]:
    """The words of a text without punctuation and numbers, in lower case."""
    found = words(text.casefold().translate(_PUNCTUATION))
    return [word for word in found if not word.isdecimal()][:MAX_WORDS]


def _ranks(text: Sequence[str], rank: Mapping[str, int]) -> list[int]:
    """Words as integers, the rarest first; -1, -2, ... for words that are in no training text."""
    own: dict[str, int] = {}
    return [rank[word] if word in rank else own.setdefault(word, -1 - len(own)) for word in text]


def _similar(tested: Sequence[list[int]], known: Sequence[list[int]]) -> int:
    """How many of the tested texts are similar to a known one."""
    sets = [frozenset(text) for text in known]
    places: dict[int, list[int]] = defaultdict(list)
    for index, text in enumerate(sets):
        for word in _rarest(text):
            places[word].append(index)
    found = aligned = 0
    for text in tested:
        own = frozenset(text)
        shared = chain.from_iterable(places.get(word, ()) for word in _rarest(own))
        for place in dict.fromkeys(islice(shared, MAX_CANDIDATES)):
            other = sets[place]
            common = len(own & other)
            if common < OVERLAP * (len(own) + len(other) - common) or aligned >= MAX_ALIGNED:
                continue
            aligned += 1
            if SequenceMatcher(None, text, known[place], autojunk=False).ratio() >= SIMILARITY:
                found += 1
                break
    return found


def _rarest(text: frozenset[int]) -> list[int]:
    """The rarest words of a text, one of which any text with `OVERLAP` shares."""
    return sorted(text)[: len(text) - math.ceil(OVERLAP * len(text)) + 1]
