"""The stage `distill`: a student of fewer layers that learns from labels and from its teacher's outputs.

The teacher is the model that comes in. The student starts as some of its layers, with its embeddings and head (Sanh et al. 2019,
arXiv:1910.01108), and is trained on the softened outputs of Hinton et al. 2015 (arXiv:1503.02531) in `models/train.py`.
"""

from __future__ import annotations

from transformers import PreTrainedModel

from compression.distillation.teacher import teacher_logits
from compression.errors import RecipeError
from compression.models.anatomy import anatomy
from compression.models.context import StageContext
from compression.models.train import train
from compression.pruning.layers import keep_layers
from compression.pruning.masks import zeros_held
from compression.recipe import Distill


def apply(stage: Distill, model: PreTrainedModel, context: StageContext) -> PreTrainedModel:
    """Turn the teacher into its trained student, in place, and return it.

    With `soft_weight` 0 the teacher is never asked: the control that shows what its outputs are worth. Zeros from an earlier
    pruning stay zeros. Raises `RecipeError` when the teacher does not have the layers that the stage names.
    """
    chosen = student_layers(stage, teacher_count=len(anatomy(model).layers))
    split = context.encoded("train")
    soft = teacher_logits(model, split, context) if stage.soft_weight and stage.epochs else None
    keep_layers(model, chosen)
    if stage.epochs:
        train(
            model,
            split,
            epochs=stage.epochs,
            learning_rate=stage.learning_rate,
            seed=context.seed,
            teacher_logits=soft,
            temperature=stage.temperature,
            soft_weight=stage.soft_weight,
            masks=zeros_held(model),
            progress=context.progress,
        )
    return model


def student_layers(stage: Distill, teacher_count: int) -> tuple[int, ...]:
    """The teacher layers that the student starts from, counted from 0.

    >>> student_layers(Distill(layers=3), 6), student_layers(Distill(layers=4), 6)
    ((0, 2, 4), (0, 1, 3, 4))
    """
    if stage.layers > teacher_count:
        raise RecipeError(
            f"The student is to have {stage.layers} layers, but its teacher has only {teacher_count}; set layers to {teacher_count} or fewer."
        )
    if stage.teacher_layers is None:
        return tuple(number * teacher_count // stage.layers for number in range(stage.layers))
    if stage.teacher_layers[-1] >= teacher_count:
        raise RecipeError(
            f"teacher_layers names layer {stage.teacher_layers[-1]}, but the teacher's {teacher_count} layers are 0 to {teacher_count - 1}; "
            "choose among these."
        )
    return stage.teacher_layers
