"""Gradients of the loss: measured over a split for first-order scores, and watched while a model
trains.

What is concluded from them is for `pruning/criteria/taylor.py` and `pruning/criteria/movement.py`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from transformers import PreTrainedModel

from paretoscope.models.content import content_key
from paretoscope.recipes.context import EncodedSplit, StageContext
from paretoscope.training.batches import unpadded

BATCH = 16
"""Texts whose gradients are added up before their size is taken. Fewer tell texts apart that pull
in opposite directions, and take longer.
"""


def mean_gradients(
    model: PreTrainedModel, names: Sequence[str], context: StageContext, split: str = "calibration"
) -> dict[str, Tensor]:
    """Mean over batches of |gradient of the batch's summed loss|, by parameter name, in each
    parameter's shape.

    The size is taken batch by batch (Molchanov et al. 2019, arXiv:1906.10771, section 3.2), for at
    a trained optimum the gradients of all texts add up to nearly nothing. It is kept in the
    context's cache under the model's content.
    """
    encoded = context.encoded(split)
    key = hashlib.sha256("\n".join([content_key(model), encoded.key, *names]).encode()).hexdigest()[
        :32
    ]
    flat = torch.from_numpy(
        context.cached(f"mean-gradients-{key}", lambda: _measured(model, names, encoded))
    )
    shapes = [model.get_parameter(name).shape for name in names]
    parts = flat.split([shape.numel() for shape in shapes])
    return {name: part.view(shape) for name, part, shape in zip(names, parts, shapes, strict=True)}


def _measured(model: PreTrainedModel, names: Sequence[str], split: EncodedSplit) -> np.ndarray:
    parameters = [model.get_parameter(name) for name in names]
    sums = [torch.zeros_like(parameter) for parameter in parameters]
    batches = 0
    for loss in losses(model, split, BATCH):
        for total, gradient in zip(sums, torch.autograd.grad(loss, parameters), strict=True):
            total += gradient.abs()
        batches += 1
    return torch.cat([total.flatten() for total in sums]).div_(batches).numpy()


def losses(model: PreTrainedModel, split: EncodedSplit, batch: int) -> Iterator[Tensor]:
    """The cross entropy on the labels of one batch after the other, summed over its texts, so that
    each text's gradient is its own.

    In eval mode, so there is no dropout, and gradients are recorded whatever the caller's mode.
    Nothing is padded.
    """
    model.eval()
    labels = torch.tensor(split.labels)
    for places, inputs in unpadded(split.ids, batch):
        with torch.enable_grad():
            outputs = model(**inputs).logits
            loss = F.cross_entropy(outputs, labels[torch.from_numpy(places)], reduction="sum")
        yield loss


@contextmanager
def watched(model: nn.Module, names: Iterable[str]) -> Generator[dict[str, Tensor]]:
    """While the block trains, add up -w * gradient of every parameter named, as each step's
    backward pass leaves them.

    Positive: training moved the weight away from zero. What is held at zero adds nothing. The sums
    live on in what is yielded.
    """
    parameters = {name: model.get_parameter(name) for name in names}
    sums = {name: torch.zeros_like(parameter) for name, parameter in parameters.items()}

    def add(name: str, parameter: Tensor) -> None:
        assert parameter.grad is not None
        sums[name].addcmul_(parameter.detach(), parameter.grad, value=-1)

    hooks = [
        parameter.register_post_accumulate_grad_hook(
            lambda parameter, name=name: add(name, parameter)
        )
        for name, parameter in parameters.items()
    ]
    try:
        yield sums
    finally:
        for hook in hooks:
            hook.remove()
