"""The levels of the weights of each group, at the precision in which a file stores them.

A grid is a scale and a zero point. `rtn.py`, `grid_search.py` and `hqq.py` choose it for a group;
here weights are rounded to the nearest level.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from paretoscope.quantization.packing.float16 import to_float16
from paretoscope.quantization.packing.float_zero_points import FloatZeroPoints
from paretoscope.quantization.packing.groups import Groups, in_groups


@dataclass(frozen=True)
class Grid:
    """Levels scales * (code - zero_points) + float_zero_points of each group.

    code = 0 .. 2**bits - 1; all arrays are float32 [rows, groups]. With integer zero points
    `float_zero_points` are 0, so zero is a level; with real ones `zero_points` are the middle code,
    and levels start anywhere. Scales are positive float16 values.
    """

    scales: np.ndarray
    zero_points: np.ndarray
    float_zero_points: np.ndarray
    bits: int
    real: bool = False

    @classmethod
    def spanning(cls, low: np.ndarray, high: np.ndarray, bits: int, real: bool = False) -> Grid:
        """The grid of 2 or 4 bits from `low` to `high` [rows, groups].

        Zero is between them unless the zero point is real.

        >>> Grid.spanning(np.array([[-1.0]]), np.array([[2.0]]), bits=2).zero_points.tolist()
        [[1.0]]
        """
        scales = to_float16((high - low) / np.float32(2**bits - 1), positive=True)
        if real:
            middle = np.full_like(scales, 2 ** (bits - 1))
            return cls(scales, middle, low + middle * scales, bits, real)
        return cls(scales, np.rint(-low / scales), np.zeros_like(scales), bits)

    @classmethod
    def symmetric(cls, largest: np.ndarray) -> Grid:
        """The grid of 8 bits up to `largest` [rows, groups] on either side of zero."""
        scales = to_float16(largest / np.float32(127), positive=True)
        return cls(scales, np.full_like(scales, 128), np.zeros_like(scales), 8)

    def codes(self, grouped: np.ndarray) -> np.ndarray:
        """The code of the nearest level to each weight [rows, groups, group size], as float32."""
        codes = grouped - self.float_zero_points[..., None]
        codes /= self.scales[..., None]
        np.rint(codes, out=codes)
        codes += self.zero_points[..., None]
        return np.clip(codes, 0, 2**self.bits - 1, out=codes)

    def values(self, codes: np.ndarray) -> np.ndarray:
        """The levels of codes [rows, groups, group size]."""
        steps = (codes - self.zero_points[..., None]) * self.scales[..., None]
        return steps + self.float_zero_points[..., None]

    def rounded(self, grouped: np.ndarray) -> np.ndarray:
        """The nearest level to each weight [rows, groups, group size]."""
        return self.values(self.codes(grouped))

    def better(self, other: Grid, where: np.ndarray) -> Grid:
        """This grid, with that of `other` in the groups where `where` [rows, groups] is True."""
        scales, points, float_points = (
            np.where(where, theirs, ours)
            for ours, theirs in (
                (self.scales, other.scales),
                (self.zero_points, other.zero_points),
                (self.float_zero_points, other.float_zero_points),
            )
        )
        return Grid(scales, points, float_points, self.bits, self.real)

    def settled(self) -> Grid:
        """The grid as a file stores it, real zero points in 8 bits; codes are chosen for it."""
        if not self.real:
            return self
        points = FloatZeroPoints.nearest(self.float_zero_points, self.bits)
        return replace(self, float_zero_points=points.values)

    def groups(self, codes: np.ndarray, group_size: int) -> Groups:
        """Codes [rows, columns] on this settled grid as groups."""
        real = FloatZeroPoints.nearest(self.float_zero_points, self.bits) if self.real else None
        points = self.zero_points.astype(np.uint8)
        return Groups(codes.astype(np.uint8), self.scales, points, self.bits, group_size, real)

    def nearest(self, weight: np.ndarray, group_size: int) -> Groups:
        """Every weight [rows, columns] at its nearest level."""
        grid = self.settled()
        codes = grid.codes(in_groups(weight, group_size)).reshape(len(weight), -1)
        return grid.groups(codes[:, : weight.shape[1]], group_size)
