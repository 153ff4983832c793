"""The stage `prune-weights`: single weights of the layers' matrices become zero, at once or in
steps.

Which weights go first is for the method's file, named in `methods.WEIGHT_SCORES` with what it looks
at; how many, and that the number is exact, for `masks.py`; how the number rises, for `schedule.py`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import nullcontext
from importlib import import_module
from itertools import groupby
from types import ModuleType

import torch
from torch import Tensor
from transformers import PreTrainedModel

from paretoscope.models.architecture import architecture_of
from paretoscope.models.modules.access import matrix
from paretoscope.pruning.masks import mask_lowest, mask_lowest_globally, mask_lowest_in_rows, n_of_m
from paretoscope.pruning.schedule import cubic, kept_of
from paretoscope.pruning.statistics.gradients import mean_gradients, watched
from paretoscope.pruning.statistics.inputs import input_moments
from paretoscope.pruning.statistics.layer_by_layer import LayerByLayer
from paretoscope.recipes.context import StageContext
from paretoscope.recipes.stages import PruneWeights
from paretoscope.recipes.stages.methods import WEIGHT_SCORES
from paretoscope.training.retrain import retrain, retraining_teacher
from paretoscope.training.sparsity_masks import encoder_weights

Seen = Mapping[str, Tensor]
"""What a method looks at, by parameter name."""


def apply(stage: PruneWeights, model: PreTrainedModel, context: StageContext) -> PreTrainedModel:
    """Prune to `stage.target_sparsity` in place and return the model.

    With steps, `retrain_epochs` is the sum over all of them: prune a little, train for its share,
    prune more. A method that looks at training trains for one more share first. Zeros that are
    there already count towards the sparsity and are never trained back; a matrix that has more of
    them keeps them.
    """
    teacher = retraining_teacher(stage, model, context)
    # Without training in between, every step ranks the same weights and only the last one shows.
    steps = stage.steps if stage.retrain_epochs else 1
    start = min(sparsity(model), stage.target_sparsity)
    learns = WEIGHT_SCORES[stage.method].needs == "training"
    shares = steps + learns
    with watched(model, encoder_weights(model)) if learns else nullcontext() as movement:
        if learns:
            retrain(stage, model, context, teacher, step=1, steps=shares)
        for step in range(1, steps + 1):
            _prune(
                stage, model, context, movement, cubic(step, steps, stage.target_sparsity, start)
            )
            retrain(stage, model, context, teacher, step=step + learns, steps=shares)
    return model


def sparsity(model: PreTrainedModel) -> float:
    """Share of zeros in the layers' matrices, 0 to 1."""
    weights = encoder_weights(model).values()
    return sum(int((weight == 0).sum()) for weight in weights) / sum(
        weight.numel() for weight in weights
    )


def _prune(
    stage: PruneWeights,
    model: PreTrainedModel,
    context: StageContext,
    movement: Seen | None,
    share: float,
) -> None:
    method = WEIGHT_SCORES[stage.method]
    file = import_module(method.module)
    if (
        share > 0
        and architecture_of(model).layer_by_layer
        and method.needs == "inputs"
        and stage.scope == "layer"
    ):
        _prune_layer_by_layer(stage, file, model, context, share)
    elif share > 0 and method.updates:
        _update(stage, file, model, context, share)
    elif share > 0:
        _mask(stage, file, model, _seen(stage, model, context, movement), share)


def _seen(
    stage: PruneWeights, model: PreTrainedModel, context: StageContext, movement: Seen | None
) -> Seen:
    """What the method looks at, of the model as it is now; empty for one that looks at the weights
    alone.
    """
    names = list(encoder_weights(model))
    match WEIGHT_SCORES[stage.method].needs:
        case "weights":
            return {}
        case "inputs":
            return (
                _diagonals(model, context)
                if architecture_of(model).layer_by_layer
                else _moments(model, names, context)
            )
        case "gradients":
            return mean_gradients(model, names, context)
        case "training":
            assert movement is not None
            return movement


def _moments(
    model: PreTrainedModel, names: list[str], context: StageContext, *, keep: bool = True
) -> Seen:
    moments = input_moments(
        model, [name.removesuffix(".weight") for name in names], context, keep=keep
    )
    return {name: moments[name.removesuffix(".weight")] for name in names}


def _diagonals(model: PreTrainedModel, context: StageContext) -> Seen:
    """Mean squares [in] of what enters each matrix of a language model: its moments together may be
    larger than itself.
    """
    walk = LayerByLayer(model, context)
    found: dict[str, Tensor] = {}
    for number, layer in enumerate(architecture_of(model).layers()):
        seen = walk.moments(number, layer.linears, diagonal=True, keep=True)
        found |= {f"{name}.weight": squares for name, squares in seen.items()}
    return found


@torch.no_grad()
def _mask(
    stage: PruneWeights, file: ModuleType, model: PreTrainedModel, seen: Seen, share: float
) -> None:
    weights = encoder_weights(model)
    if stage.scope == "global":
        scores = {name: _scores(file, weight, seen.get(name)) for name, weight in weights.items()}
        for name, mask in mask_lowest_globally(scores, share).items():
            weights[name].masked_fill_(~mask, 0)
        return
    for name, weight in weights.items():
        weight.masked_fill_(~_mask_of(stage, _scores(file, weight, seen.get(name)), share), 0)


def _scores(file: ModuleType, weight: Tensor, seen: Tensor | None) -> Tensor:
    """What is zero already goes first, whatever the method thinks of it: it costs nothing."""
    return file.score(weight, seen).masked_fill(weight == 0, -torch.inf)


def _mask_of(stage: PruneWeights, scores: Tensor, share: float) -> Tensor:
    """The mask of one matrix by its own scores."""
    if stage.n_of_m:
        kept, of = stage.n_of_m
        return n_of_m(scores, kept_of(share, kept, of), of)
    return (
        mask_lowest_in_rows if WEIGHT_SCORES[stage.method].score_scope == "row" else mask_lowest
    )(scores, share)


@torch.no_grad()
def _update(
    stage: PruneWeights,
    file: ModuleType,
    model: PreTrainedModel,
    context: StageContext,
    share: float,
) -> None:
    """Layer by layer, each with the inputs that it gets from the pruned layers before it, as
    SparseGPT's authors do.

    On MiniLM that is worth up to half a point of accuracy over the inputs of the whole model.
    """
    weights = encoder_weights(model)
    for _, layer in groupby(weights, key=_layer_number):
        for name, moments in _moments(model, list(layer), context, keep=False).items():
            weights[name].copy_(file.prune(weights[name], moments, share, _pattern(stage, share)))


def _pattern(stage: PruneWeights, share: float) -> tuple[int, int] | None:
    if stage.n_of_m is None:
        return None
    kept, of = stage.n_of_m
    return kept_of(share, kept, of), of


@torch.no_grad()
def _prune_layer_by_layer(
    stage: PruneWeights,
    file: ModuleType,
    model: PreTrainedModel,
    context: StageContext,
    share: float,
) -> None:
    """A language model, each layer with the inputs that it gets from the pruned layers before it;
    no statistics but its own are held.
    """
    updates = WEIGHT_SCORES[stage.method].updates
    walk = LayerByLayer(model, context)
    for number, layer in enumerate(architecture_of(model).layers()):
        found = walk.moments(number, layer.linears, diagonal=not updates)
        # Those that read the same tensor share a Hessian, and so its factor.
        factors = (
            {id(moments): file.inverse_factor(moments) for moments in found.values()}
            if updates
            else {}
        )
        for name, moments in found.items():
            weight = matrix(model, name)
            if updates:
                weight.copy_(
                    file.prune(weight, moments, share, _pattern(stage, share), factors[id(moments)])
                )
            else:
                weight.masked_fill_(~_mask_of(stage, _scores(file, weight, moments), share), 0)
        walk.advance(number)


def _layer_number(name: str) -> str:
    """
    >>> _layer_number("bert.encoder.layer.11.output.dense.weight")
    '11'
    """
    found = re.search(r"\.(\d+)\.", name)
    return found[1] if found else ""
