"""Feed-forward neurons: where they are in a layer."""

from __future__ import annotations

from compression.models.anatomy import LayerAnatomy
from compression.pruning.units import UnitGroup


def units(layer: LayerAnatomy) -> UnitGroup:
    """A neuron is one row of the first matrix and one column of the second."""
    return UnitGroup((layer.ffn_in,), layer.ffn_out)
