"""Compares a pruned vocabulary with the original on held-out texts: coverage and token counts.

The vocabulary is chosen in `pruning/vocabulary.py`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from paretoscope.sources.tokenizer_file import Vocabulary


@dataclass(frozen=True)
class Coverage:
    """Two tokenizers on the same held-out texts, without special tokens.

    `words` and `tokens` are the shares of the original words and tokens that are tokenized as
    before. `unknown` is the share of unknown tokens (`unknown_before` with the original
    vocabulary), `growth` the relative change in the number of tokens.
    """

    entries: int
    entries_before: int
    words: float
    tokens: float
    unknown: float
    unknown_before: float
    growth: float
    texts: int

    def in_words(self, split: str) -> str:
        """
        >>> words = Coverage(9571, 30522, 0.962, 0.955, 0.0, 0.0, 0.034, 807).in_words("test")
        >>> words.split("; of the test split ")[0]
        'Vocabulary: 9,571 of 30,522 entries'
        >>> words.split("; of the test split ")[1][:44]
        '96.2 % of words are tokenized as before, 0.0'
        """
        longer = f"{_percent(abs(self.growth), 1)} {'shorter' if self.growth < 0 else 'longer'}"
        return (
            f"Vocabulary: {self.entries:,} of {self.entries_before:,} entries; of the {split} split"
            f" {_percent(self.words, 1)} of words are tokenized as before,"
            f" {_percent(self.unknown, 2)} of tokens are unknown"
            f" ({_percent(self.unknown_before, 2)} before), and texts are {longer} in tokens."
        )

    def to_json(self) -> dict[str, Any]:
        return {name: round(value, 6) for name, value in asdict(self).items()}


def coverage(before: str, now: str, texts: Sequence[str]) -> Coverage:
    """Compare the contents of two tokenizer.json on whole texts, without truncation."""
    words = words_as = tokens = tokens_as = 0
    totals: list[tuple[int, int]] = []
    old, new = Vocabulary(before), Vocabulary(now)
    split_before, split_now = _split(before, texts), _split(now, texts)
    for vocabulary, split in ((old, split_before), (new, split_now)):
        pieces = [piece for text in split for word in text.values() for piece in word]
        totals.append((len(pieces), sum(piece == vocabulary.unknown for piece in pieces)))
    for theirs, ours in zip(split_before, split_now, strict=True):
        for place, pieces in theirs.items():
            same = ours.get(place) == pieces
            words, tokens = words + 1, tokens + len(pieces)
            words_as, tokens_as = words_as + same, tokens_as + same * len(pieces)
    (count_before, unknown_before), (count, unknown) = totals
    return Coverage(
        entries=len(new.ids),
        entries_before=len(old.ids),
        words=words_as / max(1, words),
        tokens=tokens_as / max(1, tokens),
        unknown=unknown / max(1, count),
        unknown_before=unknown_before / max(1, count_before),
        growth=count / max(1, count_before) - 1,
        texts=len(texts),
    )


def _split(tokenizer_json: str, texts: Sequence[str]) -> list[dict[int, list[str]]]:
    """The tokens of each word by the index of the word, for each text."""
    from tokenizers import Tokenizer

    tokenizer: Any = Tokenizer.from_str(tokenizer_json)
    tokenizer.no_truncation()
    tokenizer.no_padding()
    found: list[dict[int, list[str]]] = []
    for encoding in tokenizer.encode_batch(list(texts), add_special_tokens=False):
        words: dict[int, list[str]] = defaultdict(list)
        for number, piece in zip(encoding.word_ids, encoding.tokens, strict=True):
            words[-1 if number is None else number].append(piece)
        found.append(dict(words))
    return found


def _percent(share: float, digits: int) -> str:
    return f"{share * 100:.{digits}f} %"
