"""Feed-forward neurons: where they are in a layer."""

from __future__ import annotations

from transformers import PreTrainedModel

from paretoscope.models.decoder.anatomy import DecoderLayer
from paretoscope.models.encoder.anatomy import LayerAnatomy
from paretoscope.models.modules.access import matrix
from paretoscope.pruning.units import Rows, UnitGroup


def units(model: PreTrainedModel, layer: LayerAnatomy | DecoderLayer) -> UnitGroup:
    """A neuron is one row of the first matrix, or of gate and up, and one column of the second."""
    if isinstance(layer, LayerAnatomy):
        return UnitGroup((Rows(layer.ffn_in),), layer.ffn_out)
    width = matrix(model, layer.ffn_out).shape[1]
    stacked = len(layer.ffn_in) == 1 and len(matrix(model, layer.ffn_in[0])) == 2 * width
    rows = tuple(Rows(name) for name in layer.ffn_in)
    return UnitGroup(
        (*rows, Rows(layer.ffn_in[0], first=width)) if stacked else rows, layer.ffn_out
    )
