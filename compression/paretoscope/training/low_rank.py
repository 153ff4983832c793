"""LoRA: train a low-rank update of each matrix, then merge it (Hu et al. 2021, arXiv:2106.09685).

    x -> W x + (alpha / r) B A x,    A [r, in] random, B [out, r] zero at the start

A step keeps gradients and moments of a hundredth of the weights. Where zeros have to stay zero the
update is masked, W + mask * (alpha / r) B A. How the parts are trained is in `decoder.py`.
"""

from __future__ import annotations

import math
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from transformers import PreTrainedModel

from paretoscope.models.modules.access import matrix

RANK = 16
ALPHA = 32
"""The usual scale: the update is multiplied by alpha / r."""


class LowRank(nn.Module):
    """A linear module with its low-rank update; `base` is not changed until `merge`."""

    def __init__(self, base: nn.Module, weight: Tensor, mask: Tensor | None, rank: int) -> None:
        """`weight` is a view [out, in] of the base's; `mask` [out, in] is False at held zeros."""
        super().__init__()
        outputs, inputs = weight.shape
        self.base, self.weight, self.mask = base, weight, mask
        self.a = nn.Parameter(torch.empty(rank, inputs))
        self.b = nn.Parameter(torch.zeros(outputs, rank))
        self.scale = ALPHA / rank
        nn.init.kaiming_uniform_(self.a, a=math.sqrt(5))

    def forward(self, x: Tensor) -> Tensor:
        """The module's output [..., out] for `x` [..., in]."""
        if self.mask is None:
            return self.base(x) + F.linear(F.linear(x, self.a), self.b) * self.scale
        return F.linear(x, self.weight + self.update(), getattr(self.base, "bias", None))

    def update(self) -> Tensor:
        """The update [out, in] of the weight."""
        update = self.b @ self.a * self.scale
        return update if self.mask is None else update * self.mask

    @torch.no_grad()
    def merge(self) -> None:
        """Add the update to the base's weight."""
        self.weight += self.update()


@contextmanager
def low_rank_parts(
    model: PreTrainedModel, linears: Sequence[str], masks: Mapping[str, Tensor], rank: int = RANK
) -> Generator[list[nn.Parameter]]:
    """Yield the low-rank parameters of some linear modules; merge them when the block ends.

    Within the block nothing else of the model requires a gradient. `masks` [out, in] are by
    parameter name. A block that fails leaves the model unchanged.
    """
    required = {name: parameter.requires_grad for name, parameter in model.named_parameters()}
    model.requires_grad_(False)
    parts: dict[str, LowRank] = {}
    for name in linears:
        base, mask = model.get_submodule(name), masks.get(f"{name}.weight")
        parts[name] = LowRank(base, matrix(model, name), mask, rank)
        model.set_submodule(name, parts[name])
    try:
        yield [parameter for part in parts.values() for parameter in (part.a, part.b)]
        for part in parts.values():
            part.merge()
    finally:
        for name, part in parts.items():
            model.set_submodule(name, part.base)
        for name, parameter in model.named_parameters():
            parameter.requires_grad_(required[name])
