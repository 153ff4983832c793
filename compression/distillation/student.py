"""The stage `distill`: a student of fewer layers that learns from labels and from its teacher's outputs.

The teacher is the model that comes in. The student starts as some of its layers, with its embeddings and head (Sanh et al. 2019,
arXiv:1910.01108), and is trained on the softened outputs of Hinton et al. 2015 (arXiv:1503.02531) in `models/train.py`.
"""

from __future__ import annotations

from transformers import PreTrainedModel

from compression.distillation.teacher import teacher_logits
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
    chosen = stage.kept(len(anatomy(model).layers))
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
