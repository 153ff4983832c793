"""The optimization loop that both trainers share: schedule, clipping, checks and progress.

What a step computes and which parameters it changes is in `encoder.py` and `decoder.py`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import nn
from transformers import PreTrainedModel

from paretoscope.errors import ModelError
from paretoscope.models.modules.tensors import seeded
from paretoscope.training.settings import MAX_GRADIENT_NORM, Training, share_of_peak
from paretoscope.training.sparsity_masks import HeldZeros


@contextmanager
def training_mode(model: PreTrainedModel, seed: int) -> Generator[None]:
    """Train mode with seeded random numbers; eval mode and the old random state afterwards."""
    try:
        with seeded(seed):
            model.train()
            yield
    finally:
        model.eval()


def optimize(
    parameters: Sequence[nn.Parameter],
    optimizer: torch.optim.Optimizer,
    backward: Callable[[], float],
    steps: int,
    training: Training,
    zeros: HeldZeros | None = None,
) -> None:
    """Take `steps` steps; `backward` computes the gradients of one batch and returns its loss.

    `parameters` are those of the optimizer, in the order in which their norm is summed. Raises
    `ModelError` when the loss is not finite.
    """
    for step in _scheduled(optimizer, steps):
        loss = backward()
        if not math.isfinite(loss):
            raise ModelError(
                f"Training diverged at step {step} of {steps} (loss is {loss}); lower the learning"
                f" rate from {training.learning_rate:g}."
            )
        if zeros is not None:  # before clipping, so that pruned weights do not count in the norm
            zeros.mask_gradients()
        nn.utils.clip_grad_norm_(parameters, MAX_GRADIENT_NORM)
        optimizer.step()
        if zeros is not None:
            zeros.mask_weights()
        training.progress(step, steps)


def _scheduled(optimizer: torch.optim.Optimizer, steps: int) -> Iterator[int]:
    """The steps from 1 on; the learning rate and the gradients are set for each."""
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: share_of_peak(step, steps))
    for step in range(1, steps + 1):
        yield step
        schedule.step()
        optimizer.zero_grad(set_to_none=True)
