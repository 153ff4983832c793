"""Texts in batches as a model takes them, none of them padded: what a model sees of one text never depends on another."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from torch import Tensor

from paretoscope.models.train import padded
from paretoscope.tasks.tokens import batches_by_length


def unpadded(texts: Sequence[np.ndarray], size: int) -> Iterator[tuple[np.ndarray, dict[str, Tensor]]]:
    """The places of at most `size` texts of one length, and their `input_ids` and `attention_mask` [texts, tokens], shortest first."""
    for places in batches_by_length(texts, size):
        yield places, padded([texts[place] for place in places])
