"""The levels that the weights of each group may take, in the precision in which the file keeps
them.

A grid is a scale and where the levels begin. Which grid suits a group is found elsewhere
(`quantization/rounding/rtn.py`, `quantization/rounding/grid_search.py`,
`quantization/rounding/hqq.py`); here a weight finds its level.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from paretoscope.quantization.packing.float16 import half
from paretoscope.quantization.packing.float_zero_points import Shifts
from paretoscope.quantization.packing.groups import Groups, in_groups


@dataclass(frozen=True)
class Grid:
    """Levels scales * (code - zero_points) + shifts of each group, code = 0 .. 2**bits - 1; all
    arrays float32 [rows, groups].

    With integer zero points the shifts are 0, so zero is a level; with a real one the zero points
    are the middle code, and levels begin anywhere. Scales, above 0, are numbers that half precision
    has.
    """

    scales: np.ndarray
    zero_points: np.ndarray
    shifts: np.ndarray
    bits: int
    real: bool = False

    @classmethod
    def spanning(cls, low: np.ndarray, high: np.ndarray, bits: int, real: bool = False) -> Grid:
        """The grid of 2 or 4 bits from `low` to `high` [rows, groups], which have zero between them
        unless the zero point is real.

        >>> Grid.spanning(np.array([[-1.0]]), np.array([[2.0]]), bits=2).zero_points.tolist()
        [[1.0]]
        """
        scales = half((high - low) / np.float32(2**bits - 1), positive=True)
        if real:
            middle = np.full_like(scales, 2 ** (bits - 1))
            return cls(scales, middle, low + middle * scales, bits, real)
        return cls(scales, np.rint(-low / scales), np.zeros_like(scales), bits)

    @classmethod
    def symmetric(cls, largest: np.ndarray) -> Grid:
        """The grid of 8 bits up to `largest` [rows, groups] on either side of zero."""
        scales = half(largest / np.float32(127), positive=True)
        return cls(scales, np.full_like(scales, 128), np.zeros_like(scales), 8)

    def codes(self, grouped: np.ndarray) -> np.ndarray:
        """The code of the nearest level to each weight [rows, groups, group size], as float32."""
        codes = grouped - self.shifts[..., None]
        codes /= self.scales[..., None]
        np.rint(codes, out=codes)
        codes += self.zero_points[..., None]
        return np.clip(codes, 0, 2**self.bits - 1, out=codes)

    def values(self, codes: np.ndarray) -> np.ndarray:
        """The levels of codes [rows, groups, group size]."""
        return (codes - self.zero_points[..., None]) * self.scales[..., None] + self.shifts[
            ..., None
        ]

    def rounded(self, grouped: np.ndarray) -> np.ndarray:
        """The nearest level to each weight [rows, groups, group size]."""
        return self.values(self.codes(grouped))

    def better(self, other: Grid, where: np.ndarray) -> Grid:
        """This grid, with the other one's in the groups `where` [rows, groups] says so."""
        scales, points, shifts = (
            np.where(where, theirs, ours)
            for ours, theirs in (
                (self.scales, other.scales),
                (self.zero_points, other.zero_points),
                (self.shifts, other.shifts),
            )
        )
        return Grid(scales, points, shifts, self.bits, self.real)

    def settled(self) -> Grid:
        """The grid as a file keeps it, with shifts that it has room for: what codes are chosen for."""
        return (
            replace(self, shifts=Shifts.nearest(self.shifts, self.bits).values)
            if self.real
            else self
        )

    def groups(self, codes: np.ndarray, group_size: int) -> Groups:
        """Codes [rows, columns] on this grid, which is settled."""
        points, shifts = (
            self.zero_points.astype(np.uint8),
            Shifts.nearest(self.shifts, self.bits) if self.real else None,
        )
        return Groups(codes.astype(np.uint8), self.scales, points, self.bits, group_size, shifts)

    def nearest(self, weight: np.ndarray, group_size: int) -> Groups:
        """Every weight [rows, columns] at its nearest level."""
        grid = self.settled()
        codes = grid.codes(in_groups(weight, group_size)).reshape(len(weight), -1)
        return grid.groups(codes[:, : weight.shape[1]], group_size)
