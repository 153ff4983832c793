"""Token ids of texts: side and length of truncation, counts of long texts, batches."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from tokenizers import Tokenizer, models, pre_tokenizers

from paretoscope.tasks.tokens import batches_by_length, count_longer, encode, truncating

WORDS = "a b c d e f".split()
TEXT = " ".join(WORDS)


def words(side: str | None = None) -> Tokenizer:
    """A tokenizer with an id for each of `WORDS`, that may truncate on a side."""
    tokenizer = Tokenizer(models.WordLevel({word: n for n, word in enumerate(WORDS)}, "a"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    if side is not None:
        tokenizer.enable_truncation(100, direction=side)
    return tokenizer


@pytest.mark.parametrize(
    ("side", "kept"), [(None, [0, 1, 2]), ("right", [0, 1, 2]), ("left", [3, 4, 5])]
)
def test_the_side_is_the_files_and_the_length_the_callers(
    side: str | None, kept: list[int], tmp_path: Path
) -> None:
    path = tmp_path / "tokenizer.json"
    words(side).save(str(path))
    assert [ids.tolist() for ids in encode(path, [TEXT], 3)] == [kept]
    assert [ids.tolist() for ids in encode(path, [TEXT], None)] == [list(range(6))]
    packed = Tokenizer.from_str(truncating(path, 3))
    assert packed.encode(TEXT).ids == kept
    assert packed.truncation is not None
    assert packed.truncation["max_length"] == 3
    assert Tokenizer.from_str(truncating(path, None)).truncation is None


def test_only_longer_texts_count_as_truncated() -> None:
    tokenizer = words().to_str()
    texts = ["a", "a b c", "a b c d", TEXT, ""]
    assert count_longer(tokenizer, texts, encode(tokenizer, texts, 3), 3) == 2
    assert count_longer(tokenizer, texts, encode(tokenizer, texts, 6), 6) == 0
    assert count_longer(tokenizer, texts, encode(tokenizer, texts, None), None) == 0


@pytest.mark.parametrize(("tokens", "rows"), [(128, 64), (512, 32), (1024, 8), (20_000, 1)])
def test_batches_of_long_texts_are_smaller(tokens: int, rows: int) -> None:
    encoded = [np.zeros(tokens, dtype=np.int64)] * 64
    sizes = [len(batch) for batch in batches_by_length(encoded, 64)]
    assert sizes == [rows] * (64 // rows)
