"""What calibrates a method: of a classifier all calibration texts, of a language model some
thousand tokens of passages.

A language model's task has documents by the hundred thousand tokens, cut into passages that begin
with as many documents as there are. A second moment is known well from some thousand tokens, and
what costs time is their number.
"""

from __future__ import annotations

import numpy as np
from transformers import PreTrainedModel

from paretoscope.models.architecture import architecture_of
from paretoscope.recipes.context import EncodedSplit, StageContext

TOKENS = 16_384
"""Tokens that a language model is shown in all."""
AT_ONCE = 2_048
"""Tokens of a language model's batch: its hidden states and attention have to fit into memory
beside the model.
"""
BATCH = 64
"""Texts of a classifier's batch."""


def calibration(model: PreTrainedModel, context: StageContext) -> EncodedSplit:
    """The texts that calibrate a method on this model; for a language model the first passages, to
    `TOKENS` tokens.
    """
    split = context.encoded("calibration")
    if not architecture_of(model).layer_by_layer:
        return split
    ends = np.cumsum([len(ids) for ids in split.ids])
    count = int(np.searchsorted(ends, TOKENS)) + 1
    return EncodedSplit(split.ids[:count], split.labels[:count], f"{split.key}-{TOKENS}")


def batch_size(model: PreTrainedModel, split: EncodedSplit) -> int:
    """Texts that are run at once."""
    if not architecture_of(model).layer_by_layer:
        return BATCH
    return max(1, AT_ONCE // max(map(len, split.ids)))
