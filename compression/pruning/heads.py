"""Attention heads: where they are in a layer (Michel et al. 2019, arXiv:1905.10650)."""

from __future__ import annotations

from compression.models.anatomy import LayerAnatomy
from compression.pruning.units import UnitGroup


def units(layer: LayerAnatomy) -> UnitGroup:
    """A head is `head_size` rows of query, key and value, and as many columns of the output matrix."""
    return UnitGroup((layer.query, layer.key, layer.value), layer.output, layer.head_size)
