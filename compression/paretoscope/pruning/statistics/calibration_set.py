"""The texts on which statistics are measured, and how they are batched.

A language model reads 16,384 tokens: enough to estimate a second moment, and the time grows with
their number.
"""

from __future__ import annotations

import numpy as np
from transformers import PreTrainedModel

from paretoscope.models.architecture import architecture_of
from paretoscope.recipes.context import EncodedSplit, StageContext

TOKENS = 16_384
"""Tokens for a language model."""
AT_ONCE = 2_048
"""Tokens of a language model's batch: hidden states and attention must fit into memory."""
BATCH = 64
"""Texts of a classifier's batch."""


def calibration_set(model: PreTrainedModel, context: StageContext) -> EncodedSplit:
    """The calibration split; for a language model its first texts, up to `TOKENS` tokens."""
    split = context.encoded("calibration")
    if not architecture_of(model).layer_by_layer:
        return split
    ends = np.cumsum([len(ids) for ids in split.ids])
    count = int(np.searchsorted(ends, TOKENS)) + 1
    return EncodedSplit(split.ids[:count], split.labels[:count], f"{split.key}-{TOKENS}")


def batch_size(model: PreTrainedModel, split: EncodedSplit) -> int:
    """Texts in a batch."""
    if not architecture_of(model).layer_by_layer:
        return BATCH
    return max(1, AT_ONCE // max(map(len, split.ids)))
