"""The stage `distill`: a smaller student is trained on labels and on its teacher's outputs.

The teacher is the model before the stage. The student starts as some of its layers, with the most
important heads and neurons of each, its embeddings and its head (Sanh et al. 2019,
arXiv:1910.01108), and is trained on the softened outputs of Hinton et al. 2015 (arXiv:1503.02531)
in `training/`. Losses on the teacher's features are in `feature_loss.py`; more training texts are
in `augment.py` and `training/unlabelled.py`.
"""

from __future__ import annotations

import copy
from contextlib import AbstractContextManager, nullcontext
from functools import partial

from transformers import PreTrainedModel

from paretoscope.distillation.augment import with_copies
from paretoscope.distillation.feature_loss import FeatureLoss, mapped_layers
from paretoscope.errors import ModelError
from paretoscope.models.architecture import architecture_of
from paretoscope.pruning import structure
from paretoscope.pruning.layers import keep_layers
from paretoscope.recipes.context import EncodedSplit, StageContext
from paretoscope.recipes.stages import Distill
from paretoscope.sources.tokenizer_file import Vocabulary
from paretoscope.training.settings import Training
from paretoscope.training.sparsity_masks import sparsity_masks
from paretoscope.training.trainer import teacher_of, train
from paretoscope.training.unlabelled import training_texts


def apply(stage: Distill, model: PreTrainedModel, context: StageContext) -> PreTrainedModel:
    """Turn the teacher into its trained student, in place, and return it.

    With `soft_weight`, `hidden_weight` and `attention_weight` 0 the teacher is not used: a control
    that shows what it contributes. Zeros of an earlier pruning stay zeros. Raises `RecipeError`
    when the teacher does not have the layers that the stage names.
    """
    count = len(architecture_of(model).layers())
    chosen = stage.kept(count)
    data = _texts(stage, context)
    teacher = teacher_of(model, data, context) if stage.soft_weight and stage.epochs else None
    original = copy.deepcopy(model) if stage.imitates and stage.epochs else None
    for cut in stage.cuts():
        structure.apply(cut, model, context)
    keep_layers(model, chosen)
    if not stage.epochs:
        return model
    with _feature_loss(stage, model, original, mapped_layers(chosen, count)) as feature_loss:
        training = Training(
            epochs=stage.epochs,
            learning_rate=stage.learning_rate,
            seed=context.seed,
            teacher=teacher,
            temperature=stage.temperature,
            soft_weight=stage.soft_weight,
            feature_loss=feature_loss,
            masks=sparsity_masks(model),
            progress=partial(context.progress, epochs=stage.epochs),
        )
        train(model, data, training)
    return model


def _feature_loss(
    stage: Distill,
    student: PreTrainedModel,
    teacher: PreTrainedModel | None,
    layers: tuple[int, ...],
) -> AbstractContextManager[FeatureLoss | None]:
    """The loss on the teacher's features, or None without a teacher."""
    if teacher is None:
        return nullcontext()
    weights = {"hidden_weight": stage.hidden_weight, "attention_weight": stage.attention_weight}
    return FeatureLoss(student, teacher, layers, **weights)


def _texts(stage: Distill, context: StageContext) -> EncodedSplit:
    """The training split, with unlabelled texts and masked copies if the stage asks for them."""
    split = training_texts(context, unlabelled=stage.unlabelled and stage.epochs > 0)
    if not stage.augment or not stage.epochs:
        return split
    mask = Vocabulary(context.tokenizer).mask
    if mask is None:
        raise ModelError(
            "The model's tokenizer has no mask token ([MASK] or <mask>), but augment is"
            f" {stage.augment}; set augment to 0."
        )
    return with_copies(split, stage.augment, mask, context.seed)
