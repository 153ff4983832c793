"""Fake quantization: modules whose output is their input rounded to the quantizer's grid, with
gradients passed straight through.

The grids are those of `quantization/rounding/rtn.py` and `int8.py`, operation by operation, so the
numbers are the same to the last bit.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from paretoscope.quantization.packing.float16 import LARGEST, SMALLEST


class _StraightThrough(torch.autograd.Function):
    """Forward the rounded values, backward the gradient as if nothing had been rounded."""

    @staticmethod
    def forward(ctx: Any, values: Tensor, rounded: Tensor) -> Tensor:
        return rounded.view_as(rounded)

    @staticmethod
    def backward(ctx: Any, *gradients: Any) -> Any:
        return gradients[0], None


def straight_through(values: Tensor, rounded: Tensor) -> Tensor:
    """`rounded`, which for the gradient is `values`; both of one shape."""
    result = _StraightThrough.apply(values, rounded)
    assert isinstance(result, Tensor)
    return result


class FakeGroups(nn.Module):
    """A weight [outputs, inputs] in `bits`, in groups along the inputs that share a scale: as
    `rtn.quantize_groups` rounds it.
    """

    def __init__(self, bits: int, group_size: int) -> None:
        super().__init__()
        self.bits, self.group_size = bits, group_size

    def forward(self, weight: Tensor) -> Tensor:
        with torch.no_grad():
            missing = -weight.shape[1] % self.group_size
            groups = F.pad(weight, (0, missing)).reshape(len(weight), -1, self.group_size)
            rounded = self._symmetric(groups) if self.bits == 8 else self._asymmetric(groups)
            rounded = rounded.reshape(len(weight), -1)[:, : weight.shape[1]]
        return straight_through(weight, rounded)

    def _symmetric(self, groups: Tensor) -> Tensor:
        scale = _half(groups.abs().amax(-1, keepdim=True) / 127)
        return groups.div(scale).round_().clamp_(-128, 127).mul_(scale)

    def _asymmetric(self, groups: Tensor) -> Tensor:
        levels = 2**self.bits - 1
        low, high = (
            part.clamp(*limits)
            for part, limits in zip(
                groups.aminmax(dim=-1, keepdim=True), ((None, 0), (0, None)), strict=True
            )
        )
        scale = _half((high - low) / levels)
        zero = (-low / scale).round_()
        return groups.div(scale).round_().add_(zero).clamp_(0, levels).sub_(zero).mul_(scale)


class FakeOutputs(nn.Module):
    """A weight [outputs, inputs] in int8 with a scale per output: as `int8.per_output` rounds it."""

    def forward(self, weight: Tensor) -> Tensor:
        with torch.no_grad():
            scale = _positive(weight.abs().amax(1, keepdim=True) / 127)
            rounded = weight.div(scale).round_().mul_(scale)
        return straight_through(weight, rounded)


class FakeActivation:
    """A forward pre-hook that rounds what enters a module to uint8: over a fixed range (low, high),
    or over its own when None.

    What lies outside a fixed range is cut off, and gets no gradient.
    """

    def __init__(self, limits: tuple[float, float] | None) -> None:
        self.limits = limits

    def __call__(self, module: nn.Module, inputs: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        values = inputs[0].float()
        with torch.no_grad():
            low, high = values.aminmax() if self.limits is None else map(torch.tensor, self.limits)
            low, high = low.clamp(max=0), high.clamp(min=0)
            scale = _positive((high - low) / 255)
            zero = (-low / scale).round()
            rounded = values.div(scale).round_().add_(zero).clamp_(0, 255).sub_(zero).mul_(scale)
        if self.limits is not None:
            values = values.clamp(float(low), float(high))
        return (straight_through(values, rounded).to(inputs[0].dtype), *inputs[1:])


def _half(scale: Tensor) -> Tensor:
    """A scale of a group of weights, as `grid.half` keeps it."""
    return _positive(scale).clamp(SMALLEST, LARGEST).half().to(scale.dtype)


def _positive(scale: Tensor) -> Tensor:
    """A group of zeros gets the scale 1."""
    return torch.where(scale == 0, 1.0, scale)
