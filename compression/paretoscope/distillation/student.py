"""The stage `distill`: a smaller student that learns from labels and from its teacher.

The teacher is the model that comes in. The student starts as some of its layers, and in them its
most important heads and neurons, with its embeddings and head (Sanh et al. 2019, arXiv:1910.01108),
and is trained on the softened outputs of Hinton et al. 2015 (arXiv:1503.02531) in
`models/train.py`; what else it learns from its teacher is in `distillation/feature_loss.py`, on
which other texts in `augment.py` and `training/unlabelled.py`.
"""

from __future__ import annotations

import copy
from contextlib import nullcontext

from transformers import PreTrainedModel

from paretoscope.distillation.augment import with_copies
from paretoscope.distillation.feature_loss import FeatureLoss, mapped_layers
from paretoscope.errors import ModelError
from paretoscope.models.architecture import layers_of
from paretoscope.models.encoder.anatomy import anatomy
from paretoscope.models.modules.access import is_decoder
from paretoscope.pruning import structure
from paretoscope.pruning.layers import keep_layers
from paretoscope.recipes.context import EncodedSplit, StageContext
from paretoscope.recipes.stages import Distill
from paretoscope.sources.tokenizer_file import Vocabulary
from paretoscope.training.decoder import train_decoder
from paretoscope.training.encoder import train
from paretoscope.training.sparsity_masks import sparsity_masks
from paretoscope.training.teacher import teacher_logits
from paretoscope.training.unlabelled import training_texts


def apply(stage: Distill, model: PreTrainedModel, context: StageContext) -> PreTrainedModel:
    """Turn the teacher into its trained student, in place, and return it.

    With `soft_weight`, `hidden_weight` and `attention_weight` 0 the teacher is never asked: the
    control that shows what it is worth. Zeros from an earlier pruning stay zeros. Raises
    `RecipeError` when the teacher does not have the layers that the stage names.
    """
    if is_decoder(model.config):
        return _language_student(stage, model, context)
    count = len(anatomy(model).layers)
    chosen = stage.kept(count)
    split = _texts(stage, context)
    soft = teacher_logits(model, split, context) if stage.soft_weight and stage.epochs else None
    teacher = copy.deepcopy(model) if stage.imitates and stage.epochs else None
    for cut in stage.cuts():
        structure.apply(cut, model, context)
    keep_layers(model, chosen)
    if not stage.epochs:
        return model
    imitation = teacher and FeatureLoss(
        model,
        teacher,
        mapped_layers(chosen, count),
        hidden_weight=stage.hidden_weight,
        attention_weight=stage.attention_weight,
    )
    with imitation or nullcontext() as extra_loss:
        train(
            model,
            split,
            epochs=stage.epochs,
            learning_rate=stage.learning_rate,
            seed=context.seed,
            teacher_logits=soft,
            temperature=stage.temperature,
            soft_weight=stage.soft_weight,
            extra_loss=extra_loss,
            masks=sparsity_masks(model),
            progress=context.progress,
        )
    return model


def _language_student(
    stage: Distill, model: PreTrainedModel, context: StageContext
) -> PreTrainedModel:
    """The same for a language model, by low-rank parts; its teacher is asked about each passage as
    it comes up.
    """
    chosen = stage.kept(len(layers_of(model)))
    teacher = copy.deepcopy(model).eval() if stage.soft_weight and stage.epochs else None
    for cut in stage.cuts():
        structure.apply(cut, model, context)
    keep_layers(model, chosen)
    train_decoder(
        model,
        context.encoded("train"),
        epochs=stage.epochs,
        learning_rate=stage.learning_rate,
        seed=context.seed,
        teacher=teacher,
        temperature=stage.temperature,
        soft_weight=stage.soft_weight,
        masks=sparsity_masks(model),
        progress=context.progress,
    )
    return model


def _texts(stage: Distill, context: StageContext) -> EncodedSplit:
    """The training split and the task's unlabelled texts, with damaged copies of them, as the stage
    asks.
    """
    split = training_texts(context, unlabelled=stage.unlabelled and stage.epochs > 0)
    if not stage.augment or not stage.epochs:
        return split
    mask = Vocabulary(context.tokenizer).mask
    if mask is None:
        raise ModelError(
            "The model's tokenizer has no mask token ([MASK] or <mask>), which augment needs to"
            " hide words; leave augment out."
        )
    return with_copies(split, stage.augment, mask, context.seed)
