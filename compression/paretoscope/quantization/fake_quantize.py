"""Fake quantization: modules that round their input to a quantization grid in the forward pass.

The gradient passes unchanged (straight-through estimator). The grids are those of `rounding/rtn.py`
and `int8.py`, operation by operation, so the numbers are identical to the last bit.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from paretoscope.quantization.packing.float16 import LARGEST, SMALLEST


class _StraightThrough(torch.autograd.Function):
    """Forward: the rounded values; backward: the gradient of the identity."""

    @staticmethod
    def forward(ctx: Any, values: Tensor, rounded: Tensor) -> Tensor:
        return rounded.view_as(rounded)

    @staticmethod
    def backward(ctx: Any, *gradients: Any) -> Any:
        return gradients[0], None


def straight_through(values: Tensor, rounded: Tensor) -> Tensor:
    """`rounded` with the gradient of `values`; both have one shape."""
    function: Any = _StraightThrough
    return function.apply(values, rounded)


class FakeQuantizeGroups(nn.Module):
    """A weight [outputs, inputs] rounded as by `rtn.quantize_groups`: a scale for each group."""

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
        scale = _as_float16(groups.abs().amax(-1, keepdim=True) / 127)
        return groups.div(scale).round_().clamp_(-128, 127).mul_(scale)

    def _asymmetric(self, groups: Tensor) -> Tensor:
        levels = 2**self.bits - 1
        low, high = groups.aminmax(dim=-1, keepdim=True)
        low, high = low.clamp(max=0), high.clamp(min=0)
        scale = _as_float16((high - low) / levels)
        zero = (-low / scale).round_()
        return groups.div(scale).round_().add_(zero).clamp_(0, levels).sub_(zero).mul_(scale)


class FakeQuantizeOutputs(nn.Module):
    """A weight [outputs, inputs] rounded as by `int8.per_output`: a scale for each output."""

    def forward(self, weight: Tensor) -> Tensor:
        with torch.no_grad():
            scale = _positive(weight.abs().amax(1, keepdim=True) / 127)
            rounded = weight.div(scale).round_().mul_(scale)
        return straight_through(weight, rounded)


class FakeQuantizeActivation:
    """A forward pre-hook that rounds the input of a module to uint8.

    The range is fixed (low, high), or that of each input if None. Values outside a fixed range are
    clipped and get no gradient.
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


def _as_float16(scale: Tensor) -> Tensor:
    """A scale of a group at float16 precision, as `packing.float16.to_float16` rounds it."""
    return _positive(scale).clamp(SMALLEST, LARGEST).half().to(scale.dtype)


def _positive(scale: Tensor) -> Tensor:
    """The scale, or 1 for a group of zeros."""
    return torch.where(scale == 0, 1.0, scale)
