"""How many heads an attention has where its code does not ask the tensors: GPT-2 and Phi-3 cut a
stacked projection apart by numbers.

In every other family attention views query, key and value as [batch, tokens, -1, head size] and
needs to be told nothing.
"""

from __future__ import annotations

import copy
from typing import Any

from transformers import PreTrainedModel

from paretoscope.models.decoder.anatomy import decoder_anatomy, heads_of


def annotate_heads(model: PreTrainedModel) -> None:
    """Make every attention cut its projection where the tensors, which may have been pruned, mean
    it. In place; the config stays.
    """
    parts = decoder_anatomy(model)
    for layer in parts.layers:
        if len(layer.projections) > 1:
            continue
        heads, key_heads = heads_of(model, layer)
        attention: Any = model.get_submodule(layer.output.rpartition(".")[0])
        if parts.family.head_attributes is not None:
            count, width = parts.family.head_attributes
            setattr(attention, count, heads)
            setattr(attention, width, heads * layer.head_size)
        elif (heads, key_heads) != (
            attention.config.num_attention_heads,
            attention.config.num_key_value_heads,
        ):
            attention.config = copy.copy(model.config)
            attention.config.num_attention_heads, attention.config.num_key_value_heads = (
                heads,
                key_heads,
            )
            attention.num_key_value_heads = key_heads
