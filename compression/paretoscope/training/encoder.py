"""The trainer of classifiers: on labels, on a teacher's softened outputs, or both.

The word embedding is not trained: the optimizer's step over it (half of MiniLM's parameters) would
take most of the time, and short training hardly moves it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from transformers import PreTrainedModel

from paretoscope.models.modules.tensors import backward, from_numpy
from paretoscope.recipes.context import EncodedSplit
from paretoscope.tasks.splits import NO_LABEL
from paretoscope.tasks.tokens import batches_by_length
from paretoscope.training.batches import logits_of, padded
from paretoscope.training.loop import optimize, training_mode
from paretoscope.training.settings import Training, half_precision, no_progress
from paretoscope.training.sparsity_masks import HeldZeros

WEIGHT_DECAY = 0.01
PIECE_TOKENS = 4096
"""Tokens of a forward pass in training, such as 32 texts of 128: all activations are kept until
the backward pass, about a megabyte for each token of a base-size model.
"""
POOL = 16
"""Batches that are drawn together and sorted by length: little padding, still a random order of
texts.
"""


def train(model: PreTrainedModel, data: EncodedSplit, training: Training) -> None:
    """Train a classifier in place and leave it in eval mode.

    The teacher, if any, is the logits of `data`. Texts without a label do not count in the cross
    entropy, which is the mean over the other texts of a batch. Parameters that do not require a
    gradient stay unchanged. Raises `ModelError` when the loss is not finite.
    """
    steps = math.ceil(training.epochs * math.ceil(len(data) / training.batch_size))
    if steps == 0:
        return
    batches = _shuffled(data, training.batch_size, training.seed)
    with _frozen_word_embedding(model), training_mode(model, training.seed):
        parameters = [parameter for parameter in model.parameters() if parameter.requires_grad]
        optimize(
            parameters,
            _optimizer(parameters, training.learning_rate),
            _steps(model, data, training, batches),
            steps,
            training,
            HeldZeros(model, training.masks),
        )


def _steps(
    model: PreTrainedModel, data: EncodedSplit, training: Training, batches: Iterator[np.ndarray]
) -> Callable[[], float]:
    """A function that computes the gradients of the next batch and returns its loss.

    A batch of long texts is read in pieces; its loss is the mean of theirs, weighted by texts.
    """
    assert not isinstance(training.teacher, PreTrainedModel), "a classifier's teacher is its logits"
    labels = torch.tensor(data.labels)
    targets = None
    if training.teacher is not None and training.soft_weight:
        targets = from_numpy(np.ascontiguousarray(training.teacher, dtype=np.float32))

    def piece_loss(piece: np.ndarray) -> Tensor:
        inputs = padded([data.ids[index] for index in piece])
        with half_precision():
            outputs = logits_of(model, inputs)
        texts = from_numpy(piece)
        teacher = None if targets is None else targets[texts]
        loss = batch_loss(outputs.float(), labels[texts], teacher, training)
        if training.feature_loss is not None:
            loss = loss + training.feature_loss(inputs)
        return loss

    def next_step() -> float:
        batch = next(batches)
        pieces = _pieces(data, batch)
        return sum(backward(piece_loss(piece) * (len(piece) / len(batch))) for piece in pieces)

    return next_step


def _pieces(data: EncodedSplit, batch: np.ndarray) -> list[np.ndarray]:
    """The indices of a batch in pieces of at most `PIECE_TOKENS` tokens with padding, or one text.

    >>> data = EncodedSplit([np.zeros(3000)] * 3, np.zeros(3), "")
    >>> [piece.tolist() for piece in _pieces(data, np.array([0, 2, 1]))]
    [[0], [2], [1]]
    """
    longest = max(len(ids) for ids in map(data.ids.__getitem__, batch))
    count = max(1, PIECE_TOKENS // longest)
    return [batch[start : start + count] for start in range(0, len(batch), count)]


def batch_loss(
    logits: Tensor, labels: Tensor, teacher: Tensor | None, training: Training
) -> Tensor:
    """The loss of one batch: `logits` and `teacher` [batch, classes], `labels` [batch]."""
    labelled = (labels != NO_LABEL).sum().clamp(min=1)  # a batch may have none
    hard = F.cross_entropy(logits, labels, ignore_index=NO_LABEL, reduction="sum") / labelled
    if teacher is None:
        return hard
    ours, theirs = (
        F.log_softmax(each / training.temperature, dim=-1) for each in (logits, teacher)
    )
    divergence = F.kl_div(ours, theirs, log_target=True, reduction="batchmean")
    soft = divergence * training.temperature**2
    return (1 - training.soft_weight) * hard + training.soft_weight * soft


@contextmanager
def _frozen_word_embedding(model: PreTrainedModel) -> Generator[None]:
    """The word embedding requires no gradient within the block; no gradient is left after it."""
    table = model.get_input_embeddings().parameters()
    frozen = [parameter for parameter in table if parameter.requires_grad]
    for parameter in frozen:
        parameter.requires_grad_(False)
    try:
        yield
    finally:
        for parameter in frozen:
            parameter.requires_grad_(True)
        model.zero_grad(set_to_none=True)


def _optimizer(parameters: list[nn.Parameter], learning_rate: float) -> torch.optim.AdamW:
    """AdamW; biases and layer norms (vectors) do not decay, as is usual for transformers."""
    matrices = [parameter for parameter in parameters if parameter.ndim > 1]
    vectors = [parameter for parameter in parameters if parameter.ndim <= 1]
    groups = [
        {"params": matrices, "weight_decay": WEIGHT_DECAY},
        {"params": vectors, "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=learning_rate, fused=True)


def _shuffled(split: EncodedSplit, size: int, seed: int) -> Iterator[np.ndarray]:
    """Endless batches of indices: each epoch every text once, texts of similar length together."""
    lengths = np.array([len(ids) for ids in split.ids])
    random = np.random.default_rng(seed)
    while True:
        order = random.permutation(len(lengths))
        pools = [order[start : start + size * POOL] for start in range(0, len(order), size * POOL)]
        batches = [
            pool[np.argsort(lengths[pool], kind="stable")][start : start + size]
            for pool in pools
            for start in range(0, len(pool), size)
        ]
        for index in random.permutation(len(batches)):
            yield batches[index]


@torch.inference_mode()
def logits(
    model: PreTrainedModel,
    split: EncodedSplit,
    progress: Callable[[int, int], None] = no_progress,
) -> np.ndarray:
    """The model's outputs, float32 [texts, classes], in the order of the split, without padding.

    `progress` counts texts.
    """
    model.eval()
    outputs = np.empty((len(split), len(model.config.id2label or ())), dtype=np.float32)
    done = 0
    for indices in batches_by_length(split.ids, 64):
        inputs = padded([split.ids[index] for index in indices])
        outputs[indices] = logits_of(model, inputs).numpy()
        done += len(indices)
        progress(done, len(split))
    return outputs
