"""The levels that the weights of each group may take, in the precision in which the file keeps them.

A grid is a scale and where the levels begin. Which grid suits a group is found elsewhere (`rtn.py`, `grid_search.py`, `hqq.py`); here a
weight finds its level.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from compression.quantization.groups import Groups, in_groups

SMALLEST, LARGEST = float(np.finfo(np.float16).smallest_subnormal), float(np.finfo(np.float16).max)


@dataclass(frozen=True)
class Grid:
    """Levels scales * (code - zero_points) + minima of each group, code = 0 .. 2**bits - 1; all arrays float32 [rows, groups].

    With integer zero points the minima are 0, so zero is a level; with a real zero point the zero points are 0, and the levels begin at
    the minimum. Scales, above 0, and minima are numbers that half precision has.
    """

    scales: np.ndarray
    zero_points: np.ndarray
    minima: np.ndarray
    bits: int
    real: bool = False

    @classmethod
    def spanning(cls, low: np.ndarray, high: np.ndarray, bits: int, real: bool = False) -> Grid:
        """The grid of 2 or 4 bits from `low` to `high` [rows, groups], which have zero between them unless the zero point is real.

        >>> Grid.spanning(np.array([[-1.0]]), np.array([[2.0]]), bits=2).zero_points.tolist()
        [[1.0]]
        """
        scales = half((high - low) / np.float32(2**bits - 1), positive=True)
        none = np.zeros_like(scales)
        return cls(scales, none, half(low), bits, real) if real else cls(scales, np.rint(-low / scales), none, bits)

    @classmethod
    def symmetric(cls, largest: np.ndarray) -> Grid:
        """The grid of 8 bits up to `largest` [rows, groups] on either side of zero."""
        scales = half(largest / np.float32(127), positive=True)
        return cls(scales, np.full_like(scales, 128), np.zeros_like(scales), 8)

    def codes(self, grouped: np.ndarray) -> np.ndarray:
        """The code of the nearest level to each weight [rows, groups, group size], as float32."""
        codes = grouped - self.minima[..., None]
        codes /= self.scales[..., None]
        np.rint(codes, out=codes)
        codes += self.zero_points[..., None]
        return np.clip(codes, 0, 2**self.bits - 1, out=codes)

    def values(self, codes: np.ndarray) -> np.ndarray:
        """The levels of codes [rows, groups, group size]."""
        return (codes - self.zero_points[..., None]) * self.scales[..., None] + self.minima[..., None]

    def rounded(self, grouped: np.ndarray) -> np.ndarray:
        """The nearest level to each weight [rows, groups, group size]."""
        return self.values(self.codes(grouped))

    def better(self, other: Grid, where: np.ndarray) -> Grid:
        """This grid, with the other one's in the groups `where` [rows, groups] says so."""
        scales, points, minima = (
            np.where(where, theirs, ours)
            for ours, theirs in ((self.scales, other.scales), (self.zero_points, other.zero_points), (self.minima, other.minima))
        )
        return Grid(scales, points, minima, self.bits, self.real)

    def groups(self, codes: np.ndarray, group_size: int) -> Groups:
        """Codes [rows, columns] on this grid."""
        points = self.zero_points.astype(np.uint8)
        return Groups(codes.astype(np.uint8), self.scales, points, self.bits, group_size, self.minima if self.real else None)

    def nearest(self, weight: np.ndarray, group_size: int) -> Groups:
        """Every weight [rows, columns] at its nearest level."""
        codes = self.codes(in_groups(weight, group_size)).reshape(len(weight), -1)
        return self.groups(codes[:, : weight.shape[1]], group_size)


def half(values: np.ndarray, positive: bool = False) -> np.ndarray:
    """The nearest numbers that half precision has, as float32; `positive` ones do not vanish.

    >>> half(np.array([0.1, 1e-9]), positive=True).tolist()
    [0.0999755859375, 5.960464477539063e-08]
    """
    least = SMALLEST if positive else -LARGEST
    return np.clip(values, least, LARGEST).astype(np.float16).astype(np.float32)
