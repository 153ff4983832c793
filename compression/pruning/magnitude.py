"""Magnitude: what is small matters least. Scores for weights, heads and neurons, layers, and hidden dimensions.

It only scores; what goes and how is for `masks.py`, `units.py`, `layers.py` and `models/stream.py`. It needs no data.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from transformers import PreTrainedModel

from compression.models.anatomy import LayerAnatomy, anatomy
from compression.models.context import StageContext
from compression.pruning.units import UnitGroup


def score(weight: Tensor, seen: None = None) -> Tensor:
    """|w| of every weight (Han et al. 2015, arXiv:1506.02626).

    `weight` [out, in] -> scores [out, in], the highest kept. `seen` is for methods that look at
    data; magnitude does not.

    >>> score(torch.tensor([[-2.0, 0.5]]))
    tensor([[2.0000, 0.5000]])
    """
    return weight.abs()


def score_units(model: PreTrainedModel, groups: Sequence[UnitGroup], context: StageContext | None = None) -> list[Tensor]:
    """Sum of |w| over every weight that belongs to a unit (the L1 norm of Li et al. 2017, arXiv:1608.08710).

    Returns [units] for each group, the highest kept. A unit's weights are its rows in the matrices that make it and
    its columns in the matrix that reads it.
    """

    def scores(group: UnitGroup) -> Tensor:
        made = sum(model.get_parameter(f"{name}.weight").abs().sum(1) for name in group.rows)
        read = model.get_parameter(f"{group.columns}.weight").abs().sum(0)
        return (made + read).reshape(-1, group.size).sum(1)

    return [scores(group) for group in groups]


def score_layers(model: PreTrainedModel, layers: Sequence[LayerAnatomy], context: StageContext | None = None) -> Tensor:
    """How much each layer adds to the residual stream, judged by its weights alone: [layers], the highest kept.

    A layer is `h + attention(h)` followed by `x + ffn(x)`, each behind a layer norm, so the inputs of
    all layers have about the same scale and a layer that adds little is close to the identity. Its score is
    ||W_output W_value||_F + ||W_ffn_out W_ffn_in||_F: with the softmax and the activation left aside,
    the root mean square of what it adds for an input of independent entries of variance 1. A plain sum of |w|
    would also count query and key, which only decide where to look.
    """

    def gain(outer: str, inner: str) -> Tensor:
        return torch.linalg.matrix_norm(model.get_parameter(f"{outer}.weight") @ model.get_parameter(f"{inner}.weight"))

    return torch.stack([gain(layer.output, layer.value) + gain(layer.ffn_out, layer.ffn_in) for layer in layers])


def score_hidden(model: PreTrainedModel, context: StageContext | None = None) -> Tensor:
    """Sum of |w| over all that reads or writes a dimension of the residual stream in the encoder's layers: [hidden], the highest kept.

    The embedding tables are left out: with thirty thousand rows of words they would drown the rest.
    """
    read = sum(model.get_parameter(f"{name}.weight").abs().sum(0) for layer in anatomy(model).layers for name in layer.readers)
    written = sum(model.get_parameter(f"{name}.weight").abs().sum(1) for layer in anatomy(model).layers for name in layer.writers)
    assert isinstance(read, Tensor)
    return read + written
