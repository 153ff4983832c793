"""Training: on labels, on a teacher's softened outputs, or both, with pruned weights held at zero.

Every stage that retrains and the student of a distillation use this one loop. It changes the model
in place and knows nothing of files; the word embedding is never trained, since the optimizer's step
over it (half of MiniLM's parameters) would take most of the time and short training hardly moves
it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from transformers import PreTrainedModel

from paretoscope.errors import ModelError
from paretoscope.recipes.context import EncodedSplit
from paretoscope.tasks.splits import NO_LABEL
from paretoscope.tasks.tokens import batches_by_length
from paretoscope.training.batches import padded
from paretoscope.training.settings import MAX_GRADIENT_NORM, half_precision, share_of_peak

WEIGHT_DECAY = 0.01
POOL = 16
"""Batches that are drawn together and sorted by length: little padding, still a random order of
texts.
"""


def train(
    model: PreTrainedModel,
    split: EncodedSplit,
    *,
    epochs: float,
    learning_rate: float,
    seed: int,
    batch_size: int = 32,
    teacher_logits: np.ndarray | None = None,
    temperature: float = 1.0,
    soft_weight: float = 0.0,
    extra_loss: Callable[[Mapping[str, Tensor]], Tensor] | None = None,
    masks: Mapping[str, Tensor] | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> None:
    """Train a classifier in place and leave it in eval mode.

    The loss is `(1 - soft_weight) * cross entropy + soft_weight * T^2 * KL(teacher || student)`,
    both softened by the temperature T (Hinton et al. 2015, arXiv:1503.02531). Texts without a label
    have no part in the cross entropy, which is the mean over the others of a batch. The optimizer
    is AdamW with linear warm-up over 6 % of the steps, then linear decay to 0, gradients clipped to
    norm 1.

    Args:
        epochs: passes over the split; 0.5 sees half of it, 0 changes nothing. learning_rate: the
        peak. seed: of the order of texts and of dropout; the same seed and thread count give the
        same weights. teacher_logits: float32 [texts, classes], needed when `soft_weight` > 0.
        extra_loss: asked after every forward pass, given its inputs, for what is added to the loss.
        masks: by parameter name, 1 or True where a weight may change, 0 where it stays exactly
        zero. progress: told (step, of steps) after every step.

    Parameters that do not require a gradient stay as they are. Raises `ModelError` when the loss is
    not finite.
    """
    steps = math.ceil(epochs * math.ceil(len(split) / batch_size))
    if steps == 0:
        return
    word_embedding = model.get_input_embeddings()
    frozen = [parameter for parameter in word_embedding.parameters() if parameter.requires_grad]
    for parameter in frozen:
        parameter.requires_grad_(False)
    targets = (
        None
        if teacher_logits is None or soft_weight == 0
        else torch.from_numpy(np.ascontiguousarray(teacher_logits, dtype=np.float32))
    )
    loss_of = _Loss(torch.tensor(split.labels), targets, temperature, soft_weight)
    try:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            model.train()
            _run(
                model,
                split,
                loss_of,
                steps,
                learning_rate,
                _shuffled(split, batch_size, seed),
                masks or {},
                progress,
                extra_loss,
            )
    finally:
        for parameter in frozen:
            parameter.requires_grad_(True)
        model.zero_grad(set_to_none=True)
        model.eval()


def _run(
    model: PreTrainedModel,
    split: EncodedSplit,
    loss_of: _Loss,
    steps: int,
    learning_rate: float,
    batches: Iterator[np.ndarray],
    masks: Mapping[str, Tensor],
    progress: Callable[[int, int], None] | None,
    extra_loss: Callable[[Mapping[str, Tensor]], Tensor] | None,
) -> None:
    optimizer = _optimizer(model, learning_rate)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: share_of_peak(step, steps))
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    parameters = dict(model.named_parameters())
    masked = [(parameters[name], mask.to(torch.float32)) for name, mask in masks.items()]
    for step in range(1, steps + 1):
        batch = next(batches)
        inputs = padded([split.ids[index] for index in batch])
        with half_precision():
            outputs = model(**inputs).logits
        loss = loss_of(outputs.float(), torch.from_numpy(batch))
        if extra_loss is not None:
            loss = loss + extra_loss(inputs)
        if not torch.isfinite(loss):
            raise ModelError(
                f"Training went astray at step {step} of {steps}: the loss is {loss.item()}; lower"
                f" learning_rate from {learning_rate:g}."
            )
        loss.backward()
        for parameter, mask in masked:
            if parameter.grad is not None:
                parameter.grad *= (
                    mask  # before clipping, so that pruned weights take no part in the norm
                )
        nn.utils.clip_grad_norm_(trained, MAX_GRADIENT_NORM)
        optimizer.step()
        schedule.step()
        optimizer.zero_grad(set_to_none=True)
        with torch.no_grad():
            for parameter, mask in masked:
                parameter *= mask
        if progress is not None:
            progress(step, steps)


class _Loss:
    """The loss of one batch, given its logits [batch, classes] and the places of its texts in the
    split.
    """

    def __init__(
        self, labels: Tensor, teacher: Tensor | None, temperature: float, soft_weight: float
    ) -> None:
        self.labels = labels
        self.teacher = teacher
        self.temperature = temperature
        self.soft_weight = 0.0 if teacher is None else soft_weight

    def __call__(self, logits: Tensor, places: Tensor) -> Tensor:
        labels = self.labels[places]
        labelled = (labels != NO_LABEL).sum().clamp(min=1)  # a batch may have none
        hard = F.cross_entropy(logits, labels, ignore_index=NO_LABEL, reduction="sum") / labelled
        if self.teacher is None:
            return hard
        student = F.log_softmax(logits / self.temperature, dim=-1)
        teacher = F.log_softmax(self.teacher[places] / self.temperature, dim=-1)
        soft = (
            F.kl_div(student, teacher, log_target=True, reduction="batchmean") * self.temperature**2
        )
        return (1 - self.soft_weight) * hard + self.soft_weight * soft


def _optimizer(model: nn.Module, learning_rate: float) -> torch.optim.AdamW:
    """AdamW; biases and layer norms (vectors) do not decay, as is usual for transformers."""
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    groups = [
        {
            "params": [parameter for parameter in trained if parameter.ndim > 1],
            "weight_decay": WEIGHT_DECAY,
        },
        {
            "params": [parameter for parameter in trained if parameter.ndim <= 1],
            "weight_decay": 0.0,
        },
    ]
    return torch.optim.AdamW(groups, lr=learning_rate, fused=True)


def _shuffled(split: EncodedSplit, size: int, seed: int) -> Iterator[np.ndarray]:
    """Batches of indices without end: each epoch every text once, texts of similar length together."""
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
        for place in random.permutation(len(batches)):
            yield batches[place]


@torch.inference_mode()
def logits(
    model: PreTrainedModel,
    split: EncodedSplit,
    progress: Callable[[int, int], None] = lambda step, steps: None,
) -> np.ndarray:
    """The model's outputs, float32 [texts, classes], in the order of the split; no padding is
    involved. `progress` hears of texts.
    """
    model.eval()
    outputs = np.empty((len(split), len(model.config.id2label or ())), dtype=np.float32)
    answered = 0
    for places in batches_by_length(split.ids, 64):
        outputs[places] = model(**padded([split.ids[index] for index in places])).logits.numpy()
        answered += len(places)
        progress(answered, len(split))
    return outputs
