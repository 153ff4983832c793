"""How a model is trained: one value for both architectures, and the schedule that they share.

What a trainer does with it is in `encoder.py` and `decoder.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor
from transformers import PreTrainedModel

from paretoscope.models.modules.tensors import has_bfloat16_matrix_units

WARM_UP = 0.06
"""Share of the steps in which the learning rate rises."""
MAX_GRADIENT_NORM = 1.0

Teacher = np.ndarray | PreTrainedModel
"""Logits float32 [texts, classes] of a classifier; a language model itself, as the logits of all
its tokens are too many to keep.
"""


def no_progress(step: int, steps: int) -> None:
    """A progress callback that does nothing."""


@dataclass(frozen=True, eq=False)
class Training:
    """Everything about a training run except the model and the data.

    The loss is `(1 - soft_weight) * cross entropy + soft_weight * T^2 * KL(teacher || student)`,
    both softened by the temperature T (Hinton et al. 2015, arXiv:1503.02531); without a teacher it
    is the cross entropy. The optimizer is AdamW: linear warm-up over 6 % of the steps, then linear
    decay to 0, gradients clipped to norm 1.
    """

    epochs: float
    """Passes over the data; 0.5 sees half of it, 0 changes nothing. An epoch of a language model
    has at most `decoder.EPOCH_TOKENS` tokens."""
    learning_rate: float
    """Peak learning rate, as it suits training of all weights."""
    seed: int
    """Of the order of texts, dropout and new parameters. The same seed and thread count give the
    same weights."""
    batch_size: int = 32
    """Texts in a step of a classifier."""
    teacher: Teacher | None = None
    temperature: float = 1.0
    soft_weight: float = 0.0
    feature_loss: Callable[[Mapping[str, Tensor]], Tensor] | None = None
    """Added to the loss of a classifier; called with its inputs after every forward pass."""
    masks: Mapping[str, Tensor] = field(default_factory=dict[str, Tensor])
    """[out, in] by parameter name: 1 or True where a weight is trained, 0 where it stays exactly
    zero."""
    progress: Callable[[int, int], None] = no_progress
    """Called with (step, number of steps) after every step."""


def half_precision() -> torch.autocast:
    """bfloat16 matrix products where the CPU has them (more than twice as fast, measured), fp32
    weights and sums everywhere.
    """
    return torch.autocast("cpu", torch.bfloat16, enabled=has_bfloat16_matrix_units())


def share_of_peak(step: int, steps: int) -> float:
    """Share of the peak learning rate at a step, counted from 0: linear up, then linear down to 0.

    >>> [round(share_of_peak(step, 100), 2) for step in (0, 5, 6, 53, 99)]
    [0.17, 1.0, 1.0, 0.5, 0.01]
    """
    warm_up = max(1, round(WARM_UP * steps))
    if step < warm_up:
        return (step + 1) / warm_up
    return max(0.0, (steps - step) / max(1, steps - warm_up))
