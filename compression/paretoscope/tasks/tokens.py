"""Token ids of texts, and batches of texts with equal token counts."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from tokenizers import Tokenizer

from paretoscope.errors import ModelError
from paretoscope.tasks.splits import Indices

BATCH_ATTENTION = 32 * 512**2
"""Most pairs of tokens in a batch; attention stores a number for each pair and head."""


def encode(
    tokenizer_json: Path | str, texts: Sequence[str], max_length: int | None
) -> list[Indices]:
    """Token ids [tokens] of each text with special tokens, truncated but not padded.

    `tokenizer_json` is a file, or the content of one as a string; its `truncation` gives the side.
    A `max_length` of None disables truncation.
    """
    tokenizer = _tokenizer(tokenizer_json)
    tokenizer.no_padding()
    truncate(tokenizer, max_length)
    return [
        np.array(encoding.ids, dtype=np.int64)
        for encoding in tokenizer.encode_batch_fast(list(texts))
    ]


def truncate(tokenizer: Any, max_length: int | None) -> None:
    """Let a tokenizer truncate to `max_length` on the side that it has, else on the right."""
    if max_length is None:
        tokenizer.no_truncation()
    else:
        side: str = tokenizer.truncation["direction"] if tokenizer.truncation else "right"
        tokenizer.enable_truncation(max_length, direction=side)


def truncating(path: Path, max_length: int | None) -> str:
    """The content of the tokenizer.json at `path`, with a truncation to `max_length` tokens."""
    tokenizer = _tokenizer(path)
    truncate(tokenizer, max_length)
    return tokenizer.to_str()


def count_longer(
    tokenizer_json: Path | str,
    texts: Sequence[str],
    encoded: Sequence[Indices],
    max_length: int | None,
) -> int:
    """Number of texts that have more than `max_length` tokens; `encoded` are their ids as `encode`
    truncates them, so that only texts of exactly `max_length` tokens are tokenized again.
    """
    if max_length is None:
        return 0
    full = [text for text, ids in zip(texts, encoded, strict=True) if len(ids) == max_length]
    return sum(len(ids) > max_length for ids in encode(tokenizer_json, full, None)) if full else 0


def _tokenizer(tokenizer_json: Path | str) -> Any:
    untyped: Any = Tokenizer  # the package has no complete annotations
    try:
        if isinstance(tokenizer_json, str):
            return untyped.from_str(tokenizer_json)
        return untyped.from_file(str(tokenizer_json))
    except Exception as error:  # the Rust library raises plain Exception
        named = f' "{tokenizer_json}"' if isinstance(tokenizer_json, Path) else ""
        raise ModelError(
            f"The tokenizer{named} cannot be read ({error}); copy or download the model again."
        ) from error


def batches_by_length(encoded: Sequence[Indices], size: int) -> Iterator[Indices]:
    """Indices [at most `size`] of texts with equal token counts, shortest first: no padding.

    Long texts are in smaller batches, so that attention over them fits into memory.

    >>> encoded = [np.zeros(3), np.zeros(2), np.zeros(3), np.zeros(3)]
    >>> [batch.tolist() for batch in batches_by_length(encoded, 2)]
    [[1], [0, 2], [3]]
    """
    by_length: dict[int, list[int]] = defaultdict(list)
    for index, ids in enumerate(encoded):
        by_length[len(ids)].append(index)
    for length, members in sorted(by_length.items()):
        rows = max(1, min(size, BATCH_ATTENTION // max(1, length) ** 2))
        for start in range(0, len(members), rows):
            yield np.array(members[start : start + rows], dtype=np.int64)
