"""Low-rank parts beside the matrices of a language model, which alone are trained and then merged
into them (LoRA, Hu et al. 2021, arXiv:2106.09685).

    x -> W x + (alpha / r) B A x,  A [r, in] random, B [out, r] zero at the start

So a step keeps gradients and moments of a hundredth of the weights, and without zeros to hold asks
for no gradient of a whole matrix. Where zeros are to stay zero, what is added is masked like them:
W + mask * (alpha / r) B A. How the parts are trained is `training/decoder.py`'s.
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
"""The usual scale: what the parts add is multiplied by alpha / r."""


class LowRank(nn.Module):
    """A linear module of a model with its low-rank part; `base` stays as it is until `merge`."""

    def __init__(self, base: nn.Module, weight: Tensor, mask: Tensor | None, rank: int) -> None:
        """`weight` is the view [out, in] of the base's; `mask` [out, in] has False where it has to
        stay zero.
        """
        super().__init__()
        outputs, inputs = weight.shape
        self.base, self.weight, self.mask = base, weight, mask
        self.a = nn.Parameter(torch.empty(rank, inputs))
        self.b = nn.Parameter(torch.zeros(outputs, rank))
        self.scale = ALPHA / rank
        nn.init.kaiming_uniform_(self.a, a=math.sqrt(5))

    def forward(self, x: Tensor) -> Tensor:
        if self.mask is None:
            return self.base(x) + F.linear(F.linear(x, self.a), self.b) * self.scale
        return F.linear(x, self.weight + self.added(), getattr(self.base, "bias", None))

    def added(self) -> Tensor:
        """What the part adds to the weight [out, in]."""
        added = self.b @ self.a * self.scale
        return added if self.mask is None else added * self.mask

    @torch.no_grad()
    def merge(self) -> None:
        """Put the part into the base's weight."""
        self.weight += self.added()


@contextmanager
def low_rank_parts(
    model: PreTrainedModel, linears: Sequence[str], masks: Mapping[str, Tensor], rank: int = RANK
) -> Generator[list[nn.Parameter]]:
    """While the block trains the parameters that it is given, and nothing else of the model wants
    gradients; afterwards they are merged.

    `masks` [out, in] are by parameter name. A block that fails leaves the model as it was.
    """
    wanted = {name: parameter.requires_grad for name, parameter in model.named_parameters()}
    model.requires_grad_(False)
    parts: dict[str, LowRank] = {}
    for name in linears:
        parts[name] = LowRank(
            model.get_submodule(name), matrix(model, name), masks.get(f"{name}.weight"), rank
        )
        model.set_submodule(name, parts[name])
    try:
        yield [parameter for part in parts.values() for parameter in (part.a, part.b)]
        for part in parts.values():
            part.merge()
    finally:
        for name, part in parts.items():
            model.set_submodule(name, part.base)
        for name, parameter in model.named_parameters():
            parameter.requires_grad_(wanted[name])
