"""Feed-forward neurons as units of a layer."""

from __future__ import annotations

from transformers import PreTrainedModel

from paretoscope.models.architecture import Layer
from paretoscope.pruning.units import UnitGroup


def units(model: PreTrainedModel, layer: Layer) -> UnitGroup:
    """Rows of the first feed-forward matrix, or of gate and up, and columns of the last."""
    return UnitGroup(layer.ffn_rows(model), layer.ffn_out)
