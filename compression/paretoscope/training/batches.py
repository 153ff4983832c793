"""Batches of token ids as a model reads them, and the logits that it returns.

`unpadded` is for measurements, in which the result for one text must not depend on the others.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor
from transformers import PreTrainedModel

from paretoscope.models.modules.tensors import from_numpy
from paretoscope.tasks.tokens import batches_by_length


def unpadded(
    texts: Sequence[np.ndarray], size: int
) -> Iterator[tuple[np.ndarray, dict[str, Tensor]]]:
    """Batches of at most `size` texts of one length, shortest first: (indices, model inputs)."""
    for indices in batches_by_length(texts, size):
        yield indices, padded([texts[index] for index in indices])


def padded(texts: list[np.ndarray]) -> dict[str, Tensor]:
    """`input_ids` and `attention_mask`, int64 [batch, longest]; padding has id 0 and mask 0.

    >>> padded([np.array([5, 6]), np.array([7])])["attention_mask"].tolist()
    [[1, 1], [1, 0]]
    """
    longest = max(len(ids) for ids in texts)
    input_ids = torch.zeros(len(texts), longest, dtype=torch.int64)
    mask = torch.zeros_like(input_ids)
    for row, ids in enumerate(texts):
        input_ids[row, : len(ids)] = from_numpy(ids)
        mask[row, : len(ids)] = 1
    return {"input_ids": input_ids, "attention_mask": mask}


def logits_of(model: PreTrainedModel, inputs: Mapping[str, Any]) -> Tensor:
    """Logits [batch, classes] of a classifier, [batch, tokens, vocabulary] of a language model."""
    return model(**inputs).logits
