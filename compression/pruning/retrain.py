"""Training after pruning, with every zero held. The training itself is `models/train.py`'s."""

from __future__ import annotations

from transformers import PreTrainedModel

from compression.models.context import StageContext
from compression.models.train import train
from compression.pruning.masks import zeros_held


def retrain(model: PreTrainedModel, context: StageContext, *, epochs: float, learning_rate: float, step: int = 1, steps: int = 1) -> None:
    """Train `model` in place for `epochs` passes over the training split; weights that are zero stay zero.

    `step` of `steps` is the place in iterative pruning: it moves the seed, so that each step sees the texts in another
    order, and it makes the progress one bar over all steps.
    """
    if epochs == 0:
        return

    def progress(done: int, of: int) -> None:
        context.progress((step - 1) * of + done, steps * of)

    train(
        model,
        context.encoded("train"),
        epochs=epochs,
        learning_rate=learning_rate,
        seed=context.seed + step - 1,
        masks=zeros_held(model),
        progress=progress,
    )
