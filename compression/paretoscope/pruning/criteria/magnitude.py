"""Magnitude: what is small matters least. Scores for weights, heads and neurons, layers, and hidden
dimensions.

It only scores; what goes and how is for `masks.py`, `units.py`, `layers.py` and `models/stream.py`.
It needs no data.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from transformers import PreTrainedModel

from paretoscope.models.architecture import Layer
from paretoscope.models.encoder.anatomy import anatomy
from paretoscope.models.modules.access import matrix
from paretoscope.pruning.units import UnitGroup
from paretoscope.recipes.context import StageContext


def score(weight: Tensor, seen: None = None) -> Tensor:
    """|w| of every weight (Han et al. 2015, arXiv:1506.02626).

    `weight` [out, in] -> scores [out, in], the highest kept. `seen` is for methods that look at
    data; magnitude does not.

    >>> score(torch.tensor([[-2.0, 0.5]]))
    tensor([[2.0000, 0.5000]])
    """
    return weight.abs()


def score_units(
    model: PreTrainedModel, groups: Sequence[UnitGroup], context: StageContext | None = None
) -> list[Tensor]:
    """Sum of |w| over every weight that belongs to a unit (the L1 norm of Li et al. 2017,
    arXiv:1608.08710).

    Returns [units] for each group, the highest kept. A unit's weights are its rows in the matrices
    that make it and its columns in the matrix that reads it.
    """

    def scores(group: UnitGroup) -> Tensor:
        made = sum(weights.abs().sum((1, 2)) for weights in group.made_by(model))
        return made + group.read_by(model).abs().sum((0, 2))

    return [scores(group) for group in groups]


def score_layers(
    model: PreTrainedModel,
    layers: Sequence[Layer],
    context: StageContext | None = None,
) -> Tensor:
    """How much each layer adds to the residual stream, judged by its weights alone: [layers], the
    highest kept.

    A layer is `h + attention(h)` followed by `x + ffn(x)`, each behind a layer norm, so the inputs
    of all layers have about the same scale and a layer that adds little is close to the identity.
    Its score is
    ||W_output W_value||_F + ||W_ffn_out W_ffn_in||_F: with the softmax and the activation left
    aside, the root mean square of what it adds for an input of independent entries of variance 1. A
    plain sum of |w| would also count query and key, which only decide where to look.

    A language model has its norms in front, so their scales are part of what a matrix makes of its
    inputs; up stands for both of gate and up; and every query head reads the values of its key
    head. How large the stream is that a layer adds to, which grows with depth, no weight tells.
    """

    def gain(outer: Tensor, inner: Tensor) -> Tensor:
        return torch.linalg.matrix_norm(outer @ inner)

    def added(layer: Layer) -> Tensor:
        out, down = matrix(model, layer.output), matrix(model, layer.ffn_out)
        value, up = layer.residual_readers(model)
        return gain(out, value) + gain(down, up)

    return torch.stack([added(layer) for layer in layers])


def score_hidden(model: PreTrainedModel, context: StageContext | None = None) -> Tensor:
    """Sum of |w| over all that reads or writes a dimension of the residual stream in the encoder's
    layers: [hidden], the highest kept.

    The embedding tables are left out: with thirty thousand rows of words they would drown the rest.
    """
    read = sum(
        model.get_parameter(f"{name}.weight").abs().sum(0)
        for layer in anatomy(model).layers
        for name in layer.readers
    )
    written = sum(
        model.get_parameter(f"{name}.weight").abs().sum(1)
        for layer in anatomy(model).layers
        for name in layer.writers
    )
    assert isinstance(read, Tensor)
    return read + written
