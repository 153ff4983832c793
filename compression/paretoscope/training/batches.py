"""Texts in batches as a model takes them, none of them padded: what a model sees of one text never
depends on another.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from torch import Tensor

from paretoscope.tasks.tokens import batches_by_length


def unpadded(
    texts: Sequence[np.ndarray], size: int
) -> Iterator[tuple[np.ndarray, dict[str, Tensor]]]:
    """The places of at most `size` texts of one length, and their `input_ids` and `attention_mask`
    [texts, tokens], shortest first.
    """
    for places in batches_by_length(texts, size):
        yield places, padded([texts[place] for place in places])


def padded(texts: list[np.ndarray]) -> dict[str, Tensor]:
    """Texts of one batch as `input_ids` and `attention_mask`, int64 [batch, longest]; padding is
    masked, so its id is 0.

    >>> padded([np.array([5, 6]), np.array([7])])["attention_mask"].tolist()
    [[1, 1], [1, 0]]
    """
    longest = max(len(ids) for ids in texts)
    input_ids = torch.zeros(len(texts), longest, dtype=torch.int64)
    mask = torch.zeros_like(input_ids)
    for row, ids in enumerate(texts):
        input_ids[row, : len(ids)] = torch.from_numpy(ids)
        mask[row, : len(ids)] = 1
    return {"input_ids": input_ids, "attention_mask": mask}
