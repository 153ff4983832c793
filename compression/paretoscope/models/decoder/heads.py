"""The head counts that attention modules of a decoder store."""

from __future__ import annotations

import copy
from typing import Any

from transformers import PreTrainedModel

from paretoscope.models.decoder.anatomy import decoder_anatomy, heads_of


def annotate_heads(model: PreTrainedModel) -> None:
    """Set the head counts of attention modules with a stacked projection to those of the tensors,
    in place.

    Only these modules split their projection by stored counts; the others view query, key and value
    as [batch, tokens, -1, head size]. The model's config keeps its counts.
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
