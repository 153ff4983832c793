"""Training a language model: on the next token, on a teacher's softened distribution of it, or
both, by low-rank parts.

An epoch counts over a bounded number of tokens, so that the same recipe takes minutes on a model of
a hundred million weights and a corpus of a million tokens, where one pass over all of it would take
hours. What is trained of a classifier, and how, is `training/encoder.py`'s.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F
from transformers import PreTrainedModel

from paretoscope.errors import ModelError
from paretoscope.models.decoder.anatomy import decoder_anatomy
from paretoscope.recipes.context import EncodedSplit
from paretoscope.training.low_rank import low_rank_parts
from paretoscope.training.settings import MAX_GRADIENT_NORM, half_precision, share_of_peak

EPOCH_TOKENS = 16_384
"""Tokens of an epoch, or those of the training split where it has fewer. The next epoch goes on
where one ends.
"""
STEP_TEXTS = 4
"""Passages of a step, run one after the other: logits of many tokens are what would fill the
memory.
"""
FASTER = 10
"""Low-rank parts learn at this many times the rate that suits all weights (Schulman et al. 2025,
LoRA Without Regret).
"""


def train_decoder(
    model: PreTrainedModel,
    split: EncodedSplit,
    *,
    epochs: float,
    learning_rate: float,
    seed: int,
    teacher: PreTrainedModel | None = None,
    temperature: float = 1.0,
    soft_weight: float = 0.0,
    masks: Mapping[str, Tensor] | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> None:
    """Train a language model in place and leave it in eval mode.

    The loss of a token is `(1 - soft_weight) * cross entropy + soft_weight * T^2 * KL(teacher ||
    model)`, both softened by the temperature T (Hinton et al. 2015, arXiv:1503.02531), without the
    teacher where there is none. AdamW without decay, linear warm-up over 6 % of the steps, then
    linear decay to 0, gradients clipped to norm 1.

    Args:
        epochs: of at most `EPOCH_TOKENS` tokens each; 0 changes nothing. learning_rate: as it would
        suit all weights. seed: of the order of passages and the start of the parts. teacher:
        another model with the same vocabulary; it is run beside this one and stays as it is. masks:
        [out, in] by parameter name, False where a weight stays exactly zero. progress: told (step,
        of steps) after every step.

    Raises `ModelError` when the loss is not finite.
    """
    tokens = sum(map(len, split.ids))
    mean = tokens / len(split)
    steps = math.ceil(epochs * min(tokens, EPOCH_TOKENS) / (STEP_TEXTS * mean))
    if steps == 0:
        return
    order = _shuffled(len(split), seed)
    try:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            model.train()
            with low_rank_parts(model, decoder_anatomy(model).linears, masks or {}) as parts:
                optimizer = torch.optim.AdamW(
                    parts, lr=FASTER * learning_rate, weight_decay=0.0, fused=True
                )
                schedule = torch.optim.lr_scheduler.LambdaLR(
                    optimizer, lambda step: share_of_peak(step, steps)
                )
                for step in range(1, steps + 1):
                    texts = [torch.from_numpy(split.ids[next(order)]) for _ in range(STEP_TEXTS)]
                    loss = _backward(model, teacher, texts, temperature, soft_weight)
                    if not math.isfinite(loss):
                        raise ModelError(
                            f"Training went astray at step {step} of {steps}: the loss is {loss};"
                            " lower learning_rate."
                        )
                    torch.nn.utils.clip_grad_norm_(parts, MAX_GRADIENT_NORM)
                    optimizer.step()
                    schedule.step()
                    optimizer.zero_grad(set_to_none=True)
                    if progress is not None:
                        progress(step, steps)
    finally:
        model.eval()


def _backward(
    model: PreTrainedModel,
    teacher: PreTrainedModel | None,
    texts: list[Tensor],
    temperature: float,
    soft_weight: float,
) -> float:
    """Gradients of the mean loss over the tokens of some texts, one text after the other; returns
    that loss.
    """
    tokens = sum(len(ids) - 1 for ids in texts)
    total = 0.0
    for ids in texts:
        with half_precision():
            logits = model(input_ids=ids[None], use_cache=False).logits[0, :-1]
        theirs = None
        if teacher is not None and soft_weight:
            with torch.inference_mode(), half_precision():
                theirs = teacher(input_ids=ids[None], use_cache=False).logits[0, :-1].float()
        loss = token_loss(logits.float(), ids[1:], theirs, temperature, soft_weight) / tokens
        loss.backward()
        total += loss.item()
    return total


def token_loss(
    logits: Tensor, targets: Tensor, teacher: Tensor | None, temperature: float, soft_weight: float
) -> Tensor:
    """The summed loss of some tokens: `logits` and `teacher` [tokens, vocabulary], `targets`
    [tokens].
    """
    soft_weight = 0.0 if teacher is None else soft_weight
    loss = logits.new_zeros(())
    if soft_weight < 1:
        loss = loss + (1 - soft_weight) * F.cross_entropy(logits, targets, reduction="sum")
    if teacher is not None and soft_weight:
        ours, theirs = (F.log_softmax(each / temperature, dim=-1) for each in (logits, teacher))
        loss = loss + soft_weight * temperature**2 * F.kl_div(
            ours, theirs, log_target=True, reduction="sum"
        )
    return loss


def _shuffled(count: int, seed: int) -> Iterator[int]:
    """Places of texts without end, each once before any comes again."""
    random = np.random.default_rng(seed)
    while True:
        yield from random.permutation(count).tolist()
