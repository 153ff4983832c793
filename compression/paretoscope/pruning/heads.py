"""Attention heads: where they are in a layer (Michel et al. 2019, arXiv:1905.10650).

Where several query heads read one key head (Ainslie et al. 2023, arXiv:2305.13245), they are one
unit with it: a query head without its key head has nothing to read, and a layer whose key heads
serve unequal numbers is no grouped-query attention any more.
"""

from __future__ import annotations

from transformers import PreTrainedModel

from paretoscope.models.architecture import Layer
from paretoscope.pruning.units import UnitGroup


def units(model: PreTrainedModel, layer: Layer) -> UnitGroup:
    """The heads of a layer: rows of query, key and value, and columns of the output projection."""
    rows = layer.head_rows(model)
    return UnitGroup(rows, layer.output, rows[0].each)
