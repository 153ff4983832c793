"""Feed-forward neurons: where they are in a layer and how many stay."""

from __future__ import annotations

from compression.models.anatomy import LayerAnatomy
from compression.pruning.units import UnitGroup

MULTIPLE = 8
"""Widths off multiples of 8 leave vector units and int8 kernels partly idle."""


def units(layer: LayerAnatomy) -> UnitGroup:
    """A neuron is one row of the first matrix and one column of the second."""
    return UnitGroup((layer.ffn_in,), layer.ffn_out)


def kept(count: int, ratio: float) -> int:
    """Neurons of a layer that stay: the multiple of 8 nearest to (1 - ratio) * count, at least 8.

    >>> kept(1536, 0.5), kept(1536, 0.7), kept(64, 0.99)
    (768, 464, 8)
    """
    if ratio == 0:
        return count
    return min(count, max(MULTIPLE, round(count * (1 - ratio) / MULTIPLE) * MULTIPLE))
