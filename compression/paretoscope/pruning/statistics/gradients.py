"""Gradients of the loss: their mean size over a split, and their product with weights in training.

The first is for `criteria/taylor.py`, the second for `criteria/movement.py`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from transformers import PreTrainedModel

from paretoscope.models.content import model_key
from paretoscope.models.modules.tensors import from_numpy, on_accumulated
from paretoscope.models.modules.tensors import split as split_tensor
from paretoscope.recipes.context import EncodedSplit, StageContext
from paretoscope.training.batches import logits_of, unpadded

BATCH = 16
"""Texts whose gradients are summed before their absolute value is taken. Smaller batches separate
texts with opposite gradients, and take longer.
"""


def mean_gradients(
    model: PreTrainedModel, names: Sequence[str], context: StageContext, split: str = "calibration"
) -> dict[str, Tensor]:
    """Mean over batches of |gradient of the batch's summed loss|, by parameter name.

    The absolute value is taken for each batch (Molchanov et al. 2019, arXiv:1906.10771, section
    3.2), as at a trained optimum the gradients of all texts sum to almost zero. The result is
    cached under the model's content.
    """
    encoded = context.encoded(split)
    content = "\n".join([model_key(model), encoded.key, *names])
    key = hashlib.sha256(content.encode()).hexdigest()[:32]
    flat = context.cached(f"mean-gradients-{key}", lambda: _measured(model, names, encoded))
    shapes = [model.get_parameter(name).shape for name in names]
    parts = split_tensor(from_numpy(flat), [shape.numel() for shape in shapes])
    return {name: part.view(shape) for name, part, shape in zip(names, parts, shapes, strict=True)}


def _measured(model: PreTrainedModel, names: Sequence[str], split: EncodedSplit) -> np.ndarray:
    """The mean gradients of the parameters one after the other, flat, float32."""
    parameters = [model.get_parameter(name) for name in names]
    sums = [torch.zeros_like(parameter) for parameter in parameters]
    batches = 0
    for loss in losses(model, split, BATCH):
        for total, gradient in zip(sums, torch.autograd.grad(loss, parameters), strict=True):
            total += gradient.abs()
        batches += 1
    return torch.cat([total.flatten() for total in sums]).div_(batches).numpy()


def losses(model: PreTrainedModel, split: EncodedSplit, batch: int) -> Iterator[Tensor]:
    """The cross entropy of each batch, summed over its texts, with gradients recorded.

    The model is in eval mode, so there is no dropout; there is no padding.
    """
    model.eval()
    labels = torch.tensor(split.labels)
    for indices, inputs in unpadded(split.ids, batch):
        with torch.enable_grad():
            outputs = logits_of(model, inputs)
            loss = F.cross_entropy(outputs, labels[from_numpy(indices)], reduction="sum")
        yield loss


@contextmanager
def accumulated_movement(model: nn.Module, names: Iterable[str]) -> Generator[dict[str, Tensor]]:
    """Yield the sums of -w * gradient over all training steps within the block, by parameter name.

    A positive sum means that training moved the weight away from zero. Masked weights add nothing.
    """
    parameters = {name: model.get_parameter(name) for name in names}
    sums = {name: torch.zeros_like(parameter) for name, parameter in parameters.items()}

    def add(name: str, parameter: Tensor) -> None:
        assert parameter.grad is not None
        sums[name].addcmul_(parameter.detach(), parameter.grad, value=-1)

    with ExitStack() as hooks:
        for name, parameter in parameters.items():
            hooks.callback(on_accumulated(parameter, partial(add, name)))
        yield sums
