"""The stage `prune-weights`: single weights of the encoder's matrices become zero, at once or in steps.

Which weights go first is for the method's file, named in `recipe.WEIGHT_SCORES`; how many, and that the number is exact, for
`masks.py`; how the number rises, for `schedule.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module

import torch
from torch import Tensor
from transformers import PreTrainedModel

from compression.models.context import StageContext
from compression.pruning.masks import encoder_weights, lowest_go, lowest_go_globally, n_of_m
from compression.pruning.retrain import retrain
from compression.pruning.schedule import cubic, kept_of
from compression.recipe import WEIGHT_SCORES, PruneWeights


def apply(stage: PruneWeights, model: PreTrainedModel, context: StageContext) -> PreTrainedModel:
    """Prune to `stage.target_sparsity` in place and return the model.

    With steps, `retrain_epochs` is the sum over all of them: prune a little, train for its share, prune more. Zeros that
    are there already count towards the sparsity and are never trained back; a matrix that has more of them keeps them.
    """
    score = import_module(WEIGHT_SCORES[stage.method].carried_out_by).score
    # Without training in between, every step ranks the same weights and only the last one shows.
    steps = stage.steps if stage.retrain_epochs else 1
    start = min(sparsity(model), stage.target_sparsity)
    for step in range(1, steps + 1):
        _prune(stage, model, score, cubic(step, steps, stage.target_sparsity, start))
        retrain(model, context, epochs=stage.retrain_epochs / steps, learning_rate=stage.learning_rate, step=step, steps=steps)
    return model


def sparsity(model: PreTrainedModel) -> float:
    """Share of zeros in the encoder's matrices, 0 to 1."""
    weights = encoder_weights(model).values()
    return sum(int((weight == 0).sum()) for weight in weights) / sum(weight.numel() for weight in weights)


@torch.no_grad()
def _prune(stage: PruneWeights, model: PreTrainedModel, score: Callable[[Tensor], Tensor], share: float) -> None:
    weights = encoder_weights(model)
    # What is zero already goes first, whatever the method thinks of it: it costs nothing.
    scores = {name: score(weight).masked_fill(weight == 0, -torch.inf) for name, weight in weights.items()}
    for name, mask in _masks(stage, scores, share).items():
        weights[name].masked_fill_(~mask, 0)


def _masks(stage: PruneWeights, scores: Mapping[str, Tensor], share: float) -> dict[str, Tensor]:
    if stage.n_of_m:
        kept, of = stage.n_of_m
        return {name: n_of_m(matrix, kept_of(share, kept, of), of) for name, matrix in scores.items()}
    if stage.scope == "global":
        return lowest_go_globally(scores, share)
    return {name: lowest_go(matrix, share) for name, matrix in scores.items()}
