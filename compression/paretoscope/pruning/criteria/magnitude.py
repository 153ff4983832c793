"""Magnitude pruning: small weights matter least. It needs no data.

    score_ij = |w_ij|

Weights: Han et al. 2015, arXiv:1506.02626. Heads and neurons: Li et al. 2017, arXiv:1608.08710.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from transformers import PreTrainedModel

from paretoscope.models.architecture import Layer
from paretoscope.models.encoder.anatomy import anatomy
from paretoscope.models.modules.access import matrix
from paretoscope.models.modules.tensors import frobenius_norm
from paretoscope.pruning.units import UnitGroup
from paretoscope.recipes.context import StageContext


def score(weight: Tensor, statistics: Tensor | None = None) -> Tensor:
    """|w| of every weight: [out, in] -> scores [out, in], the highest kept.

    >>> score(torch.tensor([[-2.0, 0.5]]))
    tensor([[2.0000, 0.5000]])
    """
    return weight.abs()


def score_units(
    model: PreTrainedModel, groups: Sequence[UnitGroup], context: StageContext | None = None
) -> list[Tensor]:
    """L1 norm of the weights of each unit: [units] for each group.

    They are its rows in the matrices that compute it and its columns in the matrix that reads it.
    """

    def norms(group: UnitGroup) -> Tensor:
        made = _sum([weights.abs().sum((1, 2)) for weights in group.made_by(model)])
        return made + group.read_by(model).abs().sum((0, 2))

    return [norms(group) for group in groups]


def score_layers(
    model: PreTrainedModel,
    layers: Sequence[Layer],
    context: StageContext | None = None,
) -> Tensor:
    """||W_output W_value||_F + ||W_ffn_out W_ffn_in||_F of each layer: [layers].

    A layer is `h + attention(h)` followed by `x + ffn(x)`, each with a layer norm, so the inputs of
    all layers have about the same scale and a layer that adds little is close to the identity.
    Without softmax and activation, the score is the root mean square of what a layer adds for
    independent inputs of variance 1. A sum of |w| would also count query and key, which only direct
    attention.

    In a language model the norms come first, so their scales are multiplied into the matrices; up
    represents gate and up; every query head reads the values of its key head. The growth of the
    residual stream with depth cannot be seen in weights.
    """

    def added(layer: Layer) -> Tensor:
        output, down = matrix(model, layer.output), matrix(model, layer.ffn_out)
        value, up = layer.residual_readers(model)
        return frobenius_norm(output @ value) + frobenius_norm(down @ up)

    return torch.stack([added(layer) for layer in layers])


def score_hidden(model: PreTrainedModel, context: StageContext | None = None) -> Tensor:
    """L1 norm of all weights in the layers that read or write each dimension: [hidden].

    The embedding tables are excluded: their thirty thousand rows would dominate.
    """
    layers = anatomy(model).layers
    read = [matrix(model, name).abs().sum(0) for layer in layers for name in layer.readers]
    written = [matrix(model, name).abs().sum(1) for layer in layers for name in layer.writers]
    return _sum(read) + _sum(written)


def _sum(parts: Sequence[Tensor]) -> Tensor:
    """The sum of tensors of one shape, added in their order."""
    total = torch.zeros_like(parts[0])
    for part in parts:
        total += part
    return total
