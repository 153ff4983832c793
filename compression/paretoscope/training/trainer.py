"""Chooses the trainer and the teacher by the architecture of a model."""

from __future__ import annotations

import copy

from transformers import PreTrainedModel

from paretoscope.models.modules.access import is_decoder
from paretoscope.recipes.context import EncodedSplit, StageContext
from paretoscope.training import decoder, encoder
from paretoscope.training.settings import Teacher, Training
from paretoscope.training.teacher import teacher_logits


def train(model: PreTrainedModel, data: EncodedSplit, training: Training) -> None:
    """Train a classifier or a language model in place and leave it in eval mode."""
    trainer = decoder.train if is_decoder(model.config) else encoder.train
    trainer(model, data, training)


def teacher_of(model: PreTrainedModel, data: EncodedSplit, context: StageContext) -> Teacher:
    """A teacher on `data` for the compressed model: call it before the model changes.

    It is the cached logits of a classifier, or a copy of a language model.
    """
    if is_decoder(model.config):
        return copy.deepcopy(model).eval()
    return teacher_logits(model, data, context)
