"""The trainer of language models: on the next token, on a teacher's softened distribution of it,
or both.

Low-rank parts are trained and then merged (`low_rank.py`). An epoch has a bounded number of tokens,
so that the same recipe takes minutes on a model of a hundred million weights and a corpus of a
million tokens, where a pass over all of it would take hours.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F
from transformers import PreTrainedModel

from paretoscope.models.decoder.anatomy import decoder_anatomy
from paretoscope.models.modules.tensors import backward, from_numpy
from paretoscope.recipes.context import EncodedSplit
from paretoscope.training.batches import logits_of
from paretoscope.training.loop import optimize, training_mode
from paretoscope.training.low_rank import low_rank_parts
from paretoscope.training.settings import Training, half_precision

EPOCH_TOKENS = 16_384
"""Tokens of an epoch, or of the training split where that has fewer. The next epoch continues where
the last one ended.
"""
STEP_TEXTS = 4
"""Texts of a step. They are run one after the other, as the logits of many tokens would fill the
memory.
"""
LOW_RANK_RATE = 10
"""Low-rank parts train at this many times the learning rate that suits all weights (Schulman et al.
2025, LoRA Without Regret).
"""


def train(model: PreTrainedModel, data: EncodedSplit, training: Training) -> None:
    """Train a language model in place and leave it in eval mode.

    The teacher, if any, is another model with the same vocabulary; it runs on every text and is not
    changed. There is no weight decay. Raises `ModelError` when the loss is not finite.
    """
    tokens = sum(map(len, data.ids))
    mean = tokens / len(data)
    steps = math.ceil(training.epochs * min(tokens, EPOCH_TOKENS) / (STEP_TEXTS * mean))
    if steps == 0:
        return
    linears = decoder_anatomy(model).linears
    with (
        training_mode(model, training.seed),
        low_rank_parts(model, linears, training.masks) as parameters,
    ):
        optimizer = torch.optim.AdamW(
            parameters, lr=LOW_RANK_RATE * training.learning_rate, weight_decay=0.0, fused=True
        )
        optimize(parameters, optimizer, _steps(model, data, training), steps, training)


def _steps(model: PreTrainedModel, data: EncodedSplit, training: Training) -> Callable[[], float]:
    """A function that computes the gradients of the next texts and returns their mean loss."""
    assert not isinstance(training.teacher, np.ndarray), "a language model's teacher is a model"
    teacher = training.teacher if training.soft_weight else None
    order = _shuffled(len(data), training.seed)

    def logits(of: PreTrainedModel, ids: Tensor) -> Tensor:
        with half_precision():
            return logits_of(of, {"input_ids": ids[None], "use_cache": False})[0, :-1].float()

    def next_step() -> float:
        texts = [from_numpy(data.ids[next(order)]) for _ in range(STEP_TEXTS)]
        tokens = sum(len(ids) - 1 for ids in texts)
        total = 0.0
        for ids in texts:
            ours, theirs = logits(model, ids), None
            if teacher is not None:
                with torch.inference_mode():
                    theirs = logits(teacher, ids)
            loss = token_loss(ours, ids[1:], theirs, training) / tokens
            total += backward(loss)
        return total

    return next_step


def token_loss(
    logits: Tensor, targets: Tensor, teacher: Tensor | None, training: Training
) -> Tensor:
    """The summed loss of tokens: `logits`, `teacher` [tokens, vocabulary], `targets` [tokens]."""
    soft_weight = 0.0 if teacher is None else training.soft_weight
    loss = logits.new_zeros(())
    if soft_weight < 1:
        loss = loss + (1 - soft_weight) * F.cross_entropy(logits, targets, reduction="sum")
    if teacher is not None and soft_weight:
        temperature = training.temperature
        ours, theirs = (F.log_softmax(each / temperature, dim=-1) for each in (logits, teacher))
        divergence = F.kl_div(ours, theirs, log_target=True, reduction="sum")
        loss = loss + soft_weight * temperature**2 * divergence
    return loss


def _shuffled(count: int, seed: int) -> Iterator[int]:
    """Endless indices of texts, each once in every pass."""
    random = np.random.default_rng(seed)
    while True:
        yield from random.permutation(count).tolist()
