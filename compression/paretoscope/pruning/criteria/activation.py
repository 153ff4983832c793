"""Activation criterion: what adds little to the hidden states of real texts matters least.

    unit:   sqrt(E ||W_u x_u||^2)
    layer:  1 - E cos(before, after)

Units follow Wanda (Sun et al. 2023, arXiv:2306.11695) with columns in place of weights, layers the
block influence of Men et al. 2024 (arXiv:2403.03853). Inputs are the calibration set, no labels.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F
from transformers import PreTrainedModel

from paretoscope.models.architecture import Layer, architecture_of
from paretoscope.models.encoder.anatomy import anatomy
from paretoscope.models.modules.access import matrix
from paretoscope.pruning.statistics.calibration_set import calibration_set
from paretoscope.pruning.statistics.inputs import input_moments
from paretoscope.pruning.statistics.layer_by_layer import LayerByLayer
from paretoscope.pruning.statistics.layer_outputs import watch_layers
from paretoscope.pruning.units import UnitGroup
from paretoscope.recipes.context import StageContext


def score_units(
    model: PreTrainedModel, groups: Sequence[UnitGroup], context: StageContext
) -> list[Tensor]:
    """Root mean square of what each unit adds to the output of the matrix that reads it: [units].

    For a neuron it is ||W_j||_2 ||x_j||_2 / sqrt(tokens); for a head it is ||W_h x_h||_2 over its
    entries together, which is the trace of W_h E[x_h x_h^T] W_h^T.
    """
    if architecture_of(model).layer_by_layer:
        return _scored_layer_by_layer(model, groups, context)
    moments = input_moments(model, [group.columns for group in groups], context)
    return [_added(model, group, moments[group.columns]) for group in groups]


def _scored_layer_by_layer(
    model: PreTrainedModel, groups: Sequence[UnitGroup], context: StageContext
) -> list[Tensor]:
    """For a language model: the moments of all its layers may be larger than the model."""
    scores: list[Tensor] = []
    walk = LayerByLayer(model, context)
    for number, group in enumerate(groups):
        moments = walk.moments(number, [group.columns], keep=True)
        scores.append(_added(model, group, moments[group.columns]))
    return scores


def _added(model: PreTrainedModel, group: UnitGroup, moments: Tensor) -> Tensor:
    """The scores [units] of a group from the moments [in, in] of its units."""
    columns = group.read_by(model)
    units, size = columns.shape[1:]
    blocks = moments.reshape(units, size, units, size).diagonal(dim1=0, dim2=2)
    return torch.einsum("oua,abu,oub->u", columns, blocks, columns).clamp_min(0).sqrt()


def score_layers(model: PreTrainedModel, layers: Sequence[Layer], context: StageContext) -> Tensor:
    """1 - the mean cosine over tokens between a layer's input and output: [layers]."""
    distances = torch.zeros(len(layers))

    def see(number: int, before: Tensor, after: Tensor) -> None:
        distances[number] += (1 - F.cosine_similarity(before, after, dim=-1)).sum()

    split = calibration_set(model, context)
    with torch.no_grad():
        watch_layers(model, layers, split, see)
    return distances / sum(len(ids) for ids in split.ids)


def score_hidden(model: PreTrainedModel, context: StageContext) -> Tensor:
    """Root mean square of what each dimension adds to all matrices that read it: [hidden].

    As for a neuron, squared and summed over query, key, value and the first feed-forward matrix of
    every layer.
    """
    readers = [name for layer in anatomy(model).layers for name in layer.readers]
    moments = input_moments(model, readers, context)
    added = [matrix(model, name).square().sum(0) * moments[name].diagonal() for name in readers]
    return torch.stack(added).sum(0).sqrt()
