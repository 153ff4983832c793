"""Attention heads: where they are in a layer (Michel et al. 2019, arXiv:1905.10650).

Where several query heads read one key head (Ainslie et al. 2023, arXiv:2305.13245), they are one
unit with it: a query head without its key head has nothing to read, and a layer whose key heads
serve unequal numbers is no grouped-query attention any more.
"""

from __future__ import annotations

from transformers import PreTrainedModel

from paretoscope.models.decoder.anatomy import DecoderLayer, heads_of
from paretoscope.models.encoder.anatomy import LayerAnatomy
from paretoscope.pruning.units import Rows, UnitGroup


def units(model: PreTrainedModel, layer: LayerAnatomy | DecoderLayer) -> UnitGroup:
    """A head is `head_size` rows of query, key and value, and as many columns of the output matrix;
    of a language model a key head, with the query heads that read it."""
    if isinstance(layer, LayerAnatomy):
        return UnitGroup(
            tuple(Rows(name, layer.head_size) for name in (layer.query, layer.key, layer.value)),
            layer.output,
            layer.head_size,
        )
    size = layer.head_size
    heads, key_heads = heads_of(model, layer)
    together = heads // key_heads * size
    if len(layer.projections) == 1:
        (stacked,) = layer.projections
        rows = (
            Rows(stacked, together),
            Rows(stacked, size, heads * size),
            Rows(stacked, size, (heads + key_heads) * size),
        )
    else:
        rows = tuple(
            Rows(name, each)
            for name, each in zip(layer.projections, (together, size, size), strict=True)
        )
    return UnitGroup(rows, layer.output, together)
