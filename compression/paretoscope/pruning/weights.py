"""The stage `prune-weights`: single weights of the layers' matrices become zero, once or in steps.

A method of `methods.WEIGHT_SCORES` scores the weights; `masks.py` makes the number of zeros exact;
`schedule.py` raises it over the steps.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from itertools import groupby

import torch
from torch import Tensor
from transformers import PreTrainedModel

from paretoscope.models.architecture import architecture_of
from paretoscope.models.modules.access import matrix
from paretoscope.pruning.contract import WeightCriterion, WeightUpdate
from paretoscope.pruning.masks import mask_lowest, mask_lowest_globally, mask_lowest_in_rows, n_of_m
from paretoscope.pruning.schedule import cubic, kept_of
from paretoscope.pruning.statistics.gradients import accumulated_movement, mean_gradients
from paretoscope.pruning.statistics.inputs import input_moments
from paretoscope.pruning.statistics.layer_by_layer import LayerByLayer
from paretoscope.recipes.context import StageContext
from paretoscope.recipes.contracts import load
from paretoscope.recipes.stages import PruneWeights
from paretoscope.recipes.stages.methods import WEIGHT_SCORES
from paretoscope.training.retrain import retrain, retraining_teacher
from paretoscope.training.sparsity_masks import encoder_weights

Statistics = Mapping[str, Tensor]
"""What a method needs besides the weights, by parameter name."""


def apply(stage: PruneWeights, model: PreTrainedModel, context: StageContext) -> PreTrainedModel:
    """Prune to `stage.target_sparsity` in place and return the model.

    With steps, `retrain_epochs` is the sum over all of them: prune, train for a share of the
    epochs, prune more. A method that needs training statistics trains for one more share before.
    Existing zeros count towards the sparsity and stay zero; a matrix with more of them keeps them.
    """
    teacher = retraining_teacher(stage, model, context)
    # Without training in between, all steps rank the same weights and only the last one matters.
    steps = stage.steps if stage.retrain_epochs else 1
    start = min(sparsity(model), stage.target_sparsity)
    trains_before = WEIGHT_SCORES[stage.method].needs == "training"
    names = encoder_weights(model) if trains_before else ()
    with accumulated_movement(model, names) as movement:
        if trains_before:
            retrain(stage, model, context, teacher, step=1, steps=steps + 1)
        for step in range(1, steps + 1):
            target = cubic(step, steps, stage.target_sparsity, start)
            _prune(stage, model, context, movement, target)
            share = {"step": step + trains_before, "steps": steps + trains_before}
            retrain(stage, model, context, teacher, **share)
    return model


def sparsity(model: PreTrainedModel) -> float:
    """Share of zeros in the layers' matrices, 0 to 1."""
    weights = encoder_weights(model).values()
    zeros = sum(int((weight == 0).sum()) for weight in weights)
    return zeros / sum(weight.numel() for weight in weights)


def _prune(
    stage: PruneWeights,
    model: PreTrainedModel,
    context: StageContext,
    movement: Statistics,
    target: float,
) -> None:
    """Prune to the sparsity `target` of one step."""
    method = WEIGHT_SCORES[stage.method]
    if target <= 0:
        return
    layer_by_layer = architecture_of(model).layer_by_layer
    if layer_by_layer and method.needs == "inputs" and stage.scope == "layer":
        _prune_layer_by_layer(stage, model, context, target)
    elif method.updates:
        _update(stage, model, context, target)
    else:
        _mask(stage, model, _statistics(stage, model, context, movement), target)


def _statistics(
    stage: PruneWeights, model: PreTrainedModel, context: StageContext, movement: Statistics
) -> Statistics:
    """The statistics that the method needs, of the current model; empty for `weights`."""
    names = list(encoder_weights(model))
    match WEIGHT_SCORES[stage.method].needs:
        case "weights":
            return {}
        case "inputs":
            if architecture_of(model).layer_by_layer:
                return _diagonals(model, context)
            return _moments(model, names, context)
        case "gradients":
            return mean_gradients(model, names, context)
        case "training":
            return movement


def _moments(
    model: PreTrainedModel, names: list[str], context: StageContext, *, keep: bool = True
) -> Statistics:
    linears = [name.removesuffix(".weight") for name in names]
    moments = input_moments(model, linears, context, keep=keep)
    return {name: moments[linear] for name, linear in zip(names, linears, strict=True)}


def _diagonals(model: PreTrainedModel, context: StageContext) -> Statistics:
    """Mean squares [in] of the inputs of each matrix of a language model.

    The full moments of all layers together may be larger than the model.
    """
    walk = LayerByLayer(model, context)
    found: dict[str, Tensor] = {}
    for number, layer in enumerate(architecture_of(model).layers()):
        squares = walk.moments(number, layer.linears, diagonal=True, keep=True)
        found |= {f"{name}.weight": each for name, each in squares.items()}
    return found


@torch.no_grad()
def _mask(
    stage: PruneWeights, model: PreTrainedModel, statistics: Statistics, target: float
) -> None:
    """Set the weights with the lowest scores to zero."""
    weights = encoder_weights(model)
    scores = (_scores(stage, weight, statistics.get(name)) for name, weight in weights.items())
    if stage.scope == "global":
        by_name = dict(zip(weights, scores, strict=True))
        for name, mask in mask_lowest_globally(by_name, target).items():
            weights[name].masked_fill_(~mask, 0)
        return
    for weight, each in zip(weights.values(), scores, strict=True):
        weight.masked_fill_(~_mask_of(stage, each, target), 0)


def _scores(stage: PruneWeights, weight: Tensor, statistics: Tensor | None) -> Tensor:
    """The method's scores; weights that are zero already have the lowest, -inf."""
    criterion = load(WEIGHT_SCORES[stage.method], WeightCriterion)
    return criterion.score(weight, statistics).masked_fill(weight == 0, -torch.inf)


def _mask_of(stage: PruneWeights, scores: Tensor, target: float) -> Tensor:
    """The mask of one matrix from its own scores."""
    if pattern := _pattern(stage, target):
        return n_of_m(scores, *pattern)
    by_row = WEIGHT_SCORES[stage.method].score_scope == "row"
    return mask_lowest_in_rows(scores, target) if by_row else mask_lowest(scores, target)


def _pattern(stage: PruneWeights, target: float) -> tuple[int, int] | None:
    """(kept, of) at the sparsity `target`; None when unstructured."""
    if stage.n_of_m is None:
        return None
    kept, of = stage.n_of_m
    return kept_of(target, kept, of), of


@torch.no_grad()
def _update(
    stage: PruneWeights, model: PreTrainedModel, context: StageContext, target: float
) -> None:
    """Prune and update layer by layer, on the outputs of the pruned layers before.

    SparseGPT's authors do this; on MiniLM it is worth up to half a point of accuracy.
    """
    method = load(WEIGHT_SCORES[stage.method], WeightUpdate)
    pattern = _pattern(stage, target)
    weights = encoder_weights(model)
    for _, layer in groupby(weights, key=_layer_number):
        for name, moments in _moments(model, list(layer), context, keep=False).items():
            weights[name].copy_(method.prune(weights[name], moments, target, pattern, None))


@torch.no_grad()
def _prune_layer_by_layer(
    stage: PruneWeights, model: PreTrainedModel, context: StageContext, target: float
) -> None:
    """Prune a language model, each layer on the outputs of the pruned layers before.

    Only the statistics of one layer are in memory.
    """
    updates = WEIGHT_SCORES[stage.method].updates
    walk = LayerByLayer(model, context)
    for number, layer in enumerate(architecture_of(model).layers()):
        statistics = walk.moments(number, layer.linears, diagonal=not updates)
        if updates:
            _update_layer(stage, model, statistics, target)
        else:
            for name, moments in statistics.items():
                weight = matrix(model, name)
                scores = _scores(stage, weight, moments)
                weight.masked_fill_(~_mask_of(stage, scores, target), 0)
        walk.advance(number)


def _update_layer(
    stage: PruneWeights, model: PreTrainedModel, statistics: Statistics, target: float
) -> None:
    """Prune and update the matrices of one layer; those with the same inputs share a factor."""
    method = load(WEIGHT_SCORES[stage.method], WeightUpdate)
    pattern = _pattern(stage, target)
    factors = {id(each): method.inverse_factor(each) for each in statistics.values()}
    for name, moments in statistics.items():
        weight = matrix(model, name)
        weight.copy_(method.prune(weight, moments, target, pattern, factors[id(moments)]))


def _layer_number(name: str) -> str:
    """
    >>> _layer_number("bert.encoder.layer.11.output.dense.weight")
    '11'
    """
    found = re.search(r"\.(\d+)\.", name)
    return found[1] if found else ""
