"""Texts as token ids, and token ids in batches of about one length."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from paretoscope.errors import ModelError
from paretoscope.tasks.splits import Indices


def encode(
    tokenizer_json: Path | str, texts: Sequence[str], max_length: int | None
) -> list[Indices]:
    """Token ids [tokens] of each text, special tokens included, cut to `max_length` tokens (None:
    whole), never padded.

    `tokenizer_json` is the file, or as a string its content.
    """
    from tokenizers import Tokenizer

    try:
        tokenizer: Any = (
            Tokenizer.from_str(tokenizer_json)
            if isinstance(tokenizer_json, str)
            else Tokenizer.from_file(str(tokenizer_json))
        )
    except Exception as error:  # the Rust library raises plain Exception
        named = f' "{tokenizer_json}"' if isinstance(tokenizer_json, Path) else ""
        raise ModelError(
            f"The tokenizer{named} cannot be read ({error}); copy the model again."
        ) from error
    tokenizer.no_padding()
    if max_length is None:
        tokenizer.no_truncation()
    else:
        tokenizer.enable_truncation(max_length)
    return [
        np.array(encoding.ids, dtype=np.int64)
        for encoding in tokenizer.encode_batch_fast(list(texts))
    ]


def batches_by_length(encoded: Sequence[Indices], size: int) -> Iterator[Indices]:
    """Indices [at most size] of texts with exactly equal token count, shortest first: nothing is
    ever padded.

    >>> [batch.tolist() for batch in batches_by_length([np.zeros(3), np.zeros(2), np.zeros(3), np.zeros(3)], 2)]
    [[1], [0, 2], [3]]
    """
    by_length: dict[int, list[int]] = defaultdict(list)
    for index, ids in enumerate(encoded):
        by_length[len(ids)].append(index)
    for _, members in sorted(by_length.items()):
        for start in range(0, len(members), size):
            yield np.array(members[start : start + size], dtype=np.int64)
