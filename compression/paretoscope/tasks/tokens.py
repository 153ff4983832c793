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


def encode(
    tokenizer_json: Path | str, texts: Sequence[str], max_length: int | None
) -> list[Indices]:
    """Token ids [tokens] of each text with special tokens, truncated but not padded.

    `tokenizer_json` is a file, or the content of one as a string. A `max_length` of None disables
    truncation.
    """
    tokenizer = _tokenizer(tokenizer_json)
    tokenizer.no_padding()
    if max_length is None:
        tokenizer.no_truncation()
    else:
        tokenizer.enable_truncation(max_length)
    return [
        np.array(encoding.ids, dtype=np.int64)
        for encoding in tokenizer.encode_batch_fast(list(texts))
    ]


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

    >>> encoded = [np.zeros(3), np.zeros(2), np.zeros(3), np.zeros(3)]
    >>> [batch.tolist() for batch in batches_by_length(encoded, 2)]
    [[1], [0, 2], [3]]
    """
    by_length: dict[int, list[int]] = defaultdict(list)
    for index, ids in enumerate(encoded):
        by_length[len(ids)].append(index)
    for _, members in sorted(by_length.items()):
        for start in range(0, len(members), size):
            yield np.array(members[start : start + size], dtype=np.int64)
