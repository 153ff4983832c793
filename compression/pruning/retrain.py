"""Training after pruning, with every zero held, on labels and on what the model said before. The training itself is `models/train.py`'s."""

from __future__ import annotations

import numpy as np
from transformers import PreTrainedModel

from compression.distillation.teacher import teacher_logits
from compression.models.context import StageContext
from compression.models.train import train
from compression.pruning.masks import zeros_held
from compression.recipe import Retrained


def soft_targets(stage: Retrained, model: PreTrainedModel, context: StageContext) -> np.ndarray | None:
    """Logits [texts, classes] of the model as it is now on the training split, or None when the stage asks for no teacher.

    To be called before anything is pruned: the model as it came into the stage is the teacher.
    """
    if not (stage.retrain_epochs and stage.distill_weight):
        return None
    return teacher_logits(model, context.encoded("train"), context)


def retrain(
    stage: Retrained, model: PreTrainedModel, context: StageContext, soft: np.ndarray | None = None, *, step: int = 1, steps: int = 1
) -> None:
    """Train `model` in place for `step` of the `steps` that share the stage's epochs; weights that are zero stay zero.

    The step moves the seed, so that each one sees the texts in another order, and the progress is one bar over all steps. `soft`
    are the teacher's logits from `soft_targets`.
    """
    if stage.retrain_epochs == 0:
        return

    def progress(done: int, of: int) -> None:
        context.progress((step - 1) * of + done, steps * of)

    train(
        model,
        context.encoded("train"),
        epochs=stage.retrain_epochs / steps,
        learning_rate=stage.learning_rate,
        seed=context.seed + step - 1,
        teacher_logits=soft,
        temperature=stage.temperature,
        soft_weight=stage.distill_weight,
        masks=zeros_held(model),
        progress=progress,
    )
