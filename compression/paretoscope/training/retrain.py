"""Training after pruning, with every zero held, on labels and on what the model said before. The
training itself is `models/train.py`'s, of a language model, whose labels are the next tokens,
`models/train_decoder.py`'s."""

from __future__ import annotations

import copy

import numpy as np
from transformers import PreTrainedModel

from paretoscope.models.modules.access import is_decoder
from paretoscope.recipes.context import StageContext
from paretoscope.recipes.stages import Retrained
from paretoscope.training.decoder import train_decoder
from paretoscope.training.encoder import train
from paretoscope.training.sparsity_masks import sparsity_masks
from paretoscope.training.teacher import teacher_logits
from paretoscope.training.unlabelled import training_texts

Soft = np.ndarray | PreTrainedModel | None
"""What a teacher says: logits [texts, classes], or itself, to be asked passage by passage."""


def soft_targets(stage: Retrained, model: PreTrainedModel, context: StageContext) -> Soft:
    """What the model as it is now says on the texts of the retraining, or None when the stage asks
    for no teacher.

    To be called before anything is pruned: the model as it came into the stage is the teacher. The
    logits of a language model are tens of thousands of numbers a token, too many to keep, so a copy
    of it is.
    """
    if not (stage.retrain_epochs and stage.distill_weight):
        return None
    if is_decoder(model.config):
        return copy.deepcopy(model).eval()
    return teacher_logits(model, training_texts(context, unlabelled=stage.unlabelled), context)


def retrain(
    stage: Retrained,
    model: PreTrainedModel,
    context: StageContext,
    soft: Soft = None,
    *,
    step: int = 1,
    steps: int = 1,
) -> None:
    """Train `model` in place for `step` of the `steps` that share the stage's epochs; weights that
    are zero stay zero.

    The step moves the seed, so that each one sees the texts in another order, and the progress is
    one bar over all steps. `soft` is the teacher from `soft_targets`.
    """
    if stage.retrain_epochs == 0:
        return

    def progress(done: int, of: int) -> None:
        context.progress((step - 1) * of + done, steps * of)

    if is_decoder(model.config):
        assert not isinstance(soft, np.ndarray)
        train_decoder(
            model,
            context.encoded("train"),
            epochs=stage.retrain_epochs / steps,
            learning_rate=stage.learning_rate,
            seed=context.seed + step - 1,
            teacher=soft,
            temperature=stage.temperature,
            soft_weight=stage.distill_weight,
            masks=sparsity_masks(model),
            progress=progress,
        )
        return
    assert not isinstance(soft, PreTrainedModel)
    train(
        model,
        training_texts(context, unlabelled=stage.unlabelled),
        epochs=stage.retrain_epochs / steps,
        learning_rate=stage.learning_rate,
        seed=context.seed + step - 1,
        teacher_logits=soft,
        temperature=stage.temperature,
        soft_weight=stage.distill_weight,
        masks=sparsity_masks(model),
        progress=progress,
    )
