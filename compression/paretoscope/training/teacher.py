"""The teacher's logits for every training text, computed once and cached under its content."""

from __future__ import annotations

import hashlib

import numpy as np
from transformers import PreTrainedModel

from paretoscope.models.content import model_key
from paretoscope.recipes.context import EncodedSplit, StageContext
from paretoscope.training.encoder import logits

TEACHER_PART = "computing teacher logits"
"""The name of this work in a progress report."""


def teacher_logits(
    model: PreTrainedModel, split: EncodedSplit, context: StageContext
) -> np.ndarray:
    """Logits float32 [texts, classes]; from the cache if the same teacher has read these texts."""
    key = hashlib.sha256(f"{model_key(model)} {split.key}".encode()).hexdigest()[:32]

    def compute() -> np.ndarray:
        context.part(TEACHER_PART)
        found = logits(model, split, context.progress)
        context.part("")
        return found

    return context.cached(f"teacher-logits-{key}", compute)
