"""The stage `prune-structure`: remove heads, neurons, layers, hidden dimensions or tokens.

The model may be retrained afterwards. Heads, neurons, layers and dimensions are defined in
`heads.py`, `ffn.py`, `layers.py` and `models/encoder/residual_stream.py`. A criterion of
`methods.STRUCTURE_CRITERIA` scores them, and `allocation.py` decides how many each layer keeps.
"""

from __future__ import annotations

from itertools import pairwise

import torch
from transformers import PreTrainedModel

from paretoscope.models.architecture import architecture_of
from paretoscope.models.encoder.anatomy import anatomy
from paretoscope.models.encoder.residual_stream import keep_dimensions, residual_stream
from paretoscope.models.modules.slicing import Rows
from paretoscope.models.modules.tensors import integers
from paretoscope.pruning import ffn, heads
from paretoscope.pruning.allocation import highest, highest_over_layers, on_one_scale
from paretoscope.pruning.contract import StructureCriterion
from paretoscope.pruning.layers import keep_layers
from paretoscope.pruning.units import UnitGroup, keep_units
from paretoscope.pruning.vocabulary import cut_vocabulary
from paretoscope.recipes.context import StageContext
from paretoscope.recipes.contracts import load
from paretoscope.recipes.stages import PruneStructure
from paretoscope.recipes.stages.methods import STRUCTURE_CRITERIA
from paretoscope.training.retrain import retrain, retraining_teacher

NEURONS = 8
"""Every layer keeps a multiple of this many neurons; see `PruneStructure.kept`."""


def apply(stage: PruneStructure, model: PreTrainedModel, context: StageContext) -> PreTrainedModel:
    """Remove the share `stage.ratio` of `stage.target`, in place, and return the model.

    Heads and neurons are ranked within each layer, or over all layers with allocation global. The
    share is of what earlier stages kept. Zeros of an earlier stage stay zeros in the retraining.
    """
    teacher = retraining_teacher(stage, model, context)
    with torch.no_grad():
        match stage.target:
            case "layers":
                _prune_layers(stage, model, context)
            case "hidden":
                _prune_hidden(stage, model, context)
            case "vocabulary":
                cut_vocabulary(stage, model, context)
            case "heads" | "ffn":
                _prune_units(stage, model, context)
    retrain(stage, model, context, teacher)
    return model


def _prune_units(stage: PruneStructure, model: PreTrainedModel, context: StageContext) -> None:
    """Remove heads or neurons."""
    units = heads.units if stage.target == "heads" else ffn.units
    groups = [units(model, layer) for layer in architecture_of(model).layers()]
    counts = [group.count(model) for group in groups]
    kept = [stage.kept(count) for count in counts]
    if kept == counts:
        return
    # All scores are computed before anything is removed: a criterion may run the whole model.
    scores = _criterion(stage).score_units(model, groups, context)
    if stage.allocation == "global":
        one_scale = STRUCTURE_CRITERIA[stage.criterion].one_scale
        comparable = scores if one_scale else on_one_scale(scores)
        chosen = highest_over_layers(comparable, sum(kept), NEURONS if stage.target == "ffn" else 1)
    else:
        chosen = [highest(score, count) for score, count in zip(scores, kept, strict=True)]
    for group, indices in zip(groups, chosen, strict=True):
        keep_units(model, group, indices)
    architecture_of(model).annotate_heads()


def _prune_layers(stage: PruneStructure, model: PreTrainedModel, context: StageContext) -> None:
    """Remove whole layers."""
    layers = architecture_of(model).layers()
    if stage.kept(len(layers)) < len(layers):
        scores = _criterion(stage).score_layers(model, layers, context)
        keep_layers(model, integers(highest(scores, stage.kept(len(layers)))))


def _prune_hidden(stage: PruneStructure, model: PreTrainedModel, context: StageContext) -> None:
    """Remove dimensions of the residual stream, and as many outputs of the head's inner layer."""
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


def _criterion(stage: PruneStructure) -> StructureCriterion:
    return load(STRUCTURE_CRITERIA[stage.criterion], StructureCriterion)
