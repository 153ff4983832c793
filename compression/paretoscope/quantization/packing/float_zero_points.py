"""Real zero points as extra columns of a matrix, so that the integer kernel of the runtime is used.

Levels that start anywhere are levels around the middle code plus one number for each group:

    x W^T = x (scales * (codes - middle))^T + (sums of x over each group) zero_points^T

With those sums appended to x, the zero points are columns of the same matrix. They are stored in 8
bits with a scale for each row, as 8 / bits digits of the width of the codes, each digit in its own
groups: the error of a zero point is at most a 238th of the largest of its row.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from paretoscope.quantization.packing.float16 import to_float16

LEVELS = 256


def digits(bits: int) -> int:
    """Digits of `bits` in a zero point of 8 bits.

    >>> digits(4), digits(2)
    (2, 4)
    """
    return 8 // bits


def sums(groups: int, group_size: int) -> int:
    """Columns of one digit for this number of groups, filled up to whole groups.

    >>> sums(18, 32), sums(48, 32)
    (32, 64)
    """
    return math.ceil(groups / group_size) * group_size


@dataclass(frozen=True)
class FloatZeroPoints:
    """scales[r] * (codes[r, g] - centre) of every group.

    `codes` is uint8 [rows, groups], `scales` float32 [rows, 1] of float16 values; `bits` is the
    width of a digit.
    """

    codes: np.ndarray
    scales: np.ndarray
    bits: int

    @classmethod
    def nearest(cls, values: np.ndarray, bits: int) -> FloatZeroPoints:
        """The zero points nearest to `values` [rows, groups]; applied twice it changes nothing.

        >>> points = FloatZeroPoints.nearest(np.array([[-1.0, 0.25]]), bits=4).values
        >>> bool(np.abs(points - [[-1.0, 0.25]]).max() < 1 / 237)
        True
        >>> FloatZeroPoints.nearest(points, bits=4).values.tolist() == points.tolist()
        True
        """
        room = LEVELS - 1 - _centre(bits)
        scales = to_float16(
            np.abs(values).max(axis=1, keepdims=True) / np.float32(room), positive=True
        )
        codes = np.clip(np.rint(values / scales) + _centre(bits), 0, LEVELS - 1)
        return cls(codes.astype(np.uint8), scales, bits)

    @property
    def values(self) -> np.ndarray:
        """float32 [rows, groups]."""
        return (self.codes.astype(np.float32) - _centre(self.bits)) * self.scales

    def where(self, here: np.ndarray, other: FloatZeroPoints) -> FloatZeroPoints:
        """These in the rows where `here` [rows, 1] is True, `other` in the rest."""
        return FloatZeroPoints(
            np.where(here, self.codes, other.codes),
            np.where(here, self.scales, other.scales),
            self.bits,
        )

    def columns(self, group_size: int) -> tuple[np.ndarray, np.ndarray]:
        """The extra columns: codes uint8 [rows, digits * sums] and float32 scales of their groups.

        The highest digits come first.
        """
        width = sums(self.codes.shape[1], group_size)
        full = np.pad(self.codes, ((0, 0), (0, width - self.codes.shape[1])))
        places = [self.bits * digit for digit in reversed(range(digits(self.bits)))]
        codes = [(full >> np.uint8(place)) & np.uint8(2**self.bits - 1) for place in places]
        scales = [
            np.repeat(self.scales * np.float32(2**place), width // group_size, axis=1)
            for place in places
        ]
        return np.concatenate(codes, axis=1), np.concatenate(scales, axis=1)


def _centre(bits: int) -> int:
    """The code in which every digit is the middle code, which operators treat as zero.

    >>> _centre(4) == 0x88, _centre(2) == 0b10101010
    (True, True)
    """
    return 2 ** (bits - 1) * (LEVELS - 1) // (2**bits - 1)
