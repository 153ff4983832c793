"""What the teacher says about every training text, computed once and kept under the teacher's
content.
"""

from __future__ import annotations

import hashlib

import numpy as np
from transformers import PreTrainedModel

from paretoscope.models.content import content_key
from paretoscope.recipes.context import EncodedSplit, StageContext
from paretoscope.training.encoder import logits


def teacher_logits(
    model: PreTrainedModel, split: EncodedSplit, context: StageContext
) -> np.ndarray:
    """Logits [texts, classes], float32, from the context's cache when the same teacher was asked
    before.
    """
    key = hashlib.sha256(f"{content_key(model)} {split.key}".encode()).hexdigest()[:32]

    def ask() -> np.ndarray:
        context.part("asking the teacher")
        answers = logits(model, split, context.progress)
        context.part("")
        return answers

    return context.cached(f"teacher-logits-{key}", ask)
