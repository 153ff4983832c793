"""What the module of a rounding has: the rows are `ROUNDINGS` of `recipes/stages/methods.py`."""

from __future__ import annotations

from typing import Protocol

import numpy as np

from paretoscope.quantization.packing.groups import Groups
from paretoscope.quantization.rounding.hessians import InputStatistics


class Rounding(Protocol):
    """A row of `ROUNDINGS`."""

    def quantize_groups(
        self,
        weight: np.ndarray,
        bits: int,
        group_size: int,
        hessian: np.ndarray | None,
        real: bool,
        /,
    ) -> Groups:
        """`weight` float32 [outputs, inputs] in groups along its inputs.

        `hessian` float32 [inputs, inputs] is the mean of x x^T, None unless the row has
        `needs_data`. With `real` zero points are real numbers, else zero is a level of every group.
        """
        ...


class RescalingRounding(Rounding, Protocol):
    """A row of `ROUNDINGS` with `rescales`."""

    def input_scales(
        self, weight: np.ndarray, bits: int, group_size: int, inputs: InputStatistics, real: bool, /
    ) -> np.ndarray:
        """float32 [inputs]: scales of `weight` before rounding; its inputs are divided by them."""
        ...
