"""Training after pruning: zeros stay zero, and the model before pruning may be the teacher."""

from __future__ import annotations

from transformers import PreTrainedModel

from paretoscope.recipes.context import StageContext
from paretoscope.recipes.stages import Retrained
from paretoscope.training.settings import Teacher, Training
from paretoscope.training.sparsity_masks import sparsity_masks
from paretoscope.training.trainer import teacher_of, train
from paretoscope.training.unlabelled import training_texts


def retraining_teacher(
    stage: Retrained, model: PreTrainedModel, context: StageContext
) -> Teacher | None:
    """The model before pruning as the teacher of its retraining; None if the stage has no teacher.

    Call it before anything is pruned.
    """
    if not (stage.retrain_epochs and stage.distill_weight):
        return None
    return teacher_of(model, training_texts(context, unlabelled=stage.unlabelled), context)


def retrain(
    stage: Retrained,
    model: PreTrainedModel,
    context: StageContext,
    teacher: Teacher | None = None,
    *,
    step: int = 1,
    steps: int = 1,
) -> None:
    """Train `model` in place for step `step` of the `steps` that share the stage's epochs.

    Weights that are zero stay zero. Each step has another seed, so it reads the texts in another
    order, and the progress counts over all steps. `teacher` is from `retraining_teacher`.
    """
    if stage.retrain_epochs == 0:
        return

    def progress(done: int, of: int) -> None:
        context.progress((step - 1) * of + done, steps * of, epochs=stage.retrain_epochs)

    training = Training(
        epochs=stage.retrain_epochs / steps,
        learning_rate=stage.learning_rate,
        seed=context.seed + step - 1,
        teacher=teacher,
        temperature=stage.temperature,
        soft_weight=stage.distill_weight,
        masks=sparsity_masks(model),
        progress=progress,
    )
    train(model, training_texts(context, unlabelled=stage.unlabelled), training)
