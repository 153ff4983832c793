"""The stage `prune-structure`: whole heads, neurons, layers, hidden dimensions or words go, then
the rest may be retrained.

What a head, a neuron, a layer and a dimension is stands in `heads.py`, `ffn.py`, `layers.py` and
`models/stream.py`; which ones go first is for the criterion's file, named in
`methods.STRUCTURE_CRITERIA`; how many of each layer, for `allocation.py`. Words are
`sources/tokenizer_file.py`'s.
"""

from __future__ import annotations

from importlib import import_module
from itertools import pairwise
from types import ModuleType

import torch
from transformers import PreTrainedModel

from paretoscope.models.architecture import architecture_of
from paretoscope.models.encoder.anatomy import anatomy
from paretoscope.models.encoder.residual_stream import keep_dimensions, residual_stream
from paretoscope.models.modules.slicing import Rows
from paretoscope.pruning import ffn, heads
from paretoscope.pruning.allocation import highest, highest_over_layers, on_one_scale
from paretoscope.pruning.layers import keep_layers
from paretoscope.pruning.units import UnitGroup, keep_units
from paretoscope.pruning.vocabulary import cut_vocabulary
from paretoscope.recipes.context import StageContext
from paretoscope.recipes.stages import PruneStructure
from paretoscope.recipes.stages.methods import STRUCTURE_CRITERIA
from paretoscope.training.retrain import retrain, retraining_teacher

NEURONS = 8
"""Neurons stay in multiples of this, in every layer; see `PruneStructure.kept`."""


def apply(stage: PruneStructure, model: PreTrainedModel, context: StageContext) -> PreTrainedModel:
    """Cut the share `stage.ratio` of what `stage.target` names, in place, and return the model.

    Heads and neurons are ranked within each layer or, with allocation global, over all of them. All
    shares are of what is there now. Zeros that an earlier stage made stay zeros through the
    retraining.
    """
    teacher = retraining_teacher(stage, model, context)
    with torch.no_grad():
        match stage.target:
            case "layers":
                _cut_layers(stage, model, context)
            case "hidden":
                _cut_hidden(stage, model, context)
            case "vocabulary":
                cut_vocabulary(stage, model, context)
            case "heads" | "ffn":
                _cut_units(stage, model, context)
    retrain(stage, model, context, teacher)
    return model


def _cut_units(stage: PruneStructure, model: PreTrainedModel, context: StageContext) -> None:
    units = heads.units if stage.target == "heads" else ffn.units
    groups = [units(model, layer) for layer in architecture_of(model).layers()]
    counts = [group.count(model) for group in groups]
    kept = [stage.kept(count) for count in counts]
    if kept == counts:
        return
    # All scores come before the first cut, so that a criterion that runs the model sees it whole.
    scores = _criterion(stage).score_units(model, groups, context)
    if stage.allocation == "global":
        comparable = (
            scores if STRUCTURE_CRITERIA[stage.criterion].one_scale else on_one_scale(scores)
        )
        chosen = highest_over_layers(comparable, sum(kept), NEURONS if stage.target == "ffn" else 1)
    else:
        chosen = [highest(score, count) for score, count in zip(scores, kept, strict=True)]
    for group, stay in zip(groups, chosen, strict=True):
        keep_units(model, group, stay)
    architecture_of(model).annotate_heads()


def _cut_layers(stage: PruneStructure, model: PreTrainedModel, context: StageContext) -> None:
    there = architecture_of(model).layers()
    if stage.kept(len(there)) < len(there):
        scores = _criterion(stage).score_layers(model, there, context)
        keep_layers(model, highest(scores, stage.kept(len(there))).tolist())


def _cut_hidden(stage: PruneStructure, model: PreTrainedModel, context: StageContext) -> None:
    """Dimensions of the residual stream; the head's inner layer, which is as wide, loses as many of
    its own outputs.
    """
    width = residual_stream(model).width(model)
    kept = stage.kept(width)
    if kept == width:
        return
    head = anatomy(model).head
    inner = [UnitGroup((Rows(first),), second) for first, second in pairwise(head)]
    dimensions = highest(_criterion(stage).score_hidden(model, context), kept)
    pooled = _criterion(stage).score_units(model, inner, context)
    keep_dimensions(model, dimensions)
    for group, scores in zip(inner, pooled, strict=True):
        keep_units(model, group, highest(scores, kept))


def _criterion(stage: PruneStructure) -> ModuleType:
    return import_module(STRUCTURE_CRITERIA[stage.criterion].module)
