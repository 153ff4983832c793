"""Attention heads as units of a layer (Michel et al. 2019, arXiv:1905.10650).

In grouped-query attention (Ainslie et al. 2023, arXiv:2305.13245) a unit is a key head with all
query heads that read it: a query head needs its key head, and every key head must serve the same
number of query heads.
"""

from __future__ import annotations

from transformers import PreTrainedModel

from paretoscope.models.architecture import Layer
from paretoscope.pruning.units import UnitGroup


def units(model: PreTrainedModel, layer: Layer) -> UnitGroup:
    """The heads of a layer: rows of query, key and value, and columns of the output projection."""
    rows = layer.head_rows(model)
    return UnitGroup(rows, layer.output, rows[0].each)
