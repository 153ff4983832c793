"""The stage `prune-structure`: whole heads, neurons, layers or words go, then the rest may be retrained.

What a head, a neuron and a layer is stands in `heads.py`, `ffn.py` and `layers.py`; which ones go first
is for the criterion's file, named in `recipe.STRUCTURE_CRITERIA`. Words are `vocabulary.py`'s.
"""

from __future__ import annotations

from importlib import import_module
from types import ModuleType

import torch
from torch import Tensor
from transformers import PreTrainedModel

from compression.models.anatomy import anatomy
from compression.models.context import StageContext
from compression.pruning import ffn, heads
from compression.pruning.layers import keep_layers
from compression.pruning.retrain import retrain
from compression.pruning.units import keep_units
from compression.pruning.vocabulary import cut_vocabulary
from compression.recipe import STRUCTURE_CRITERIA, PruneStructure


def apply(stage: PruneStructure, model: PreTrainedModel, context: StageContext) -> PreTrainedModel:
    """Cut the share `stage.ratio` of what `stage.target` names, in place, and return the model.

    Heads and neurons: the same share of every layer, ranked within it. All shares are of what is there now.
    Zeros that an earlier stage made stay zeros through the retraining.
    """
    with torch.no_grad():
        if stage.target == "layers":
            _cut_layers(stage, model, context)
        elif stage.target == "vocabulary":
            cut_vocabulary(stage, model, context)
        else:
            _cut_units(stage, model, context)
    retrain(model, context, epochs=stage.retrain_epochs, learning_rate=stage.learning_rate)
    return model


def _cut_units(stage: PruneStructure, model: PreTrainedModel, context: StageContext) -> None:
    units = heads.units if stage.target == "heads" else ffn.units
    groups = [units(layer) for layer in anatomy(model).layers]
    # All scores come before the first cut, so that a criterion that runs the model sees it whole.
    scores = [_criterion(stage).score_units(model, group, context) for group in groups]
    for group, score in zip(groups, scores, strict=True):
        count = group.count(model)
        if stage.kept(count) < count:
            keep_units(model, group, highest(score, stage.kept(count)))


def _cut_layers(stage: PruneStructure, model: PreTrainedModel, context: StageContext) -> None:
    there = anatomy(model).layers
    if stage.kept(len(there)) < len(there):
        scores = _criterion(stage).score_layers(model, there, context)
        keep_layers(model, highest(scores, stage.kept(len(there))).tolist())


def _criterion(stage: PruneStructure) -> ModuleType:
    return import_module(STRUCTURE_CRITERIA[stage.criterion].carried_out_by)


def highest(scores: Tensor, kept: int) -> Tensor:
    """Indices of the `kept` highest scores, ascending; of equal scores the first go.

    >>> highest(torch.tensor([1.0, 5.0, 1.0, 3.0]), 3)
    tensor([1, 2, 3])
    """
    return scores.argsort(stable=True)[scores.numel() - kept :].sort().values
