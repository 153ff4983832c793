"""Coverage of held-out text by a smaller vocabulary."""

from __future__ import annotations

import pytest
from tokenizers import Tokenizer, models, pre_tokenizers

from paretoscope.measure.coverage import coverage


def test_coverage_counts_words_tokens_and_growth() -> None:
    words = {
        word: number
        for number, word in enumerate(
            ["[UNK]", "a", "b", "c", "##a", "##b", "##c", "ab", "abc", "##bc"]
        )
    }

    def wordpiece(vocabulary: dict[str, int]) -> Tokenizer:
        made = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))
        made.pre_tokenizer = pre_tokenizers.Whitespace()
        return made

    old = wordpiece(words)
    new = wordpiece(
        {
            word: number
            for number, word in enumerate(word for word in words if word not in ("abc", "##c"))
        }
    )
    found = coverage(old.to_str(), new.to_str(), ["abc ab", "abc cbc a z"])
    # The old one makes abc, ab; abc, c ##bc, a, [UNK]: 7 tokens of 6 words. The new one finds no
    # rest after the ab of abc.
    assert (found.entries, found.entries_before, found.texts) == (8, 10, 2)
    assert found.words == pytest.approx(4 / 6)
    assert found.tokens == pytest.approx(5 / 7)
    assert (found.unknown, found.unknown_before) == (pytest.approx(3 / 7), pytest.approx(1 / 7))
    assert found.growth == 0
    assert coverage(old.to_str(), old.to_str(), ["abc ab"]).words == 1
