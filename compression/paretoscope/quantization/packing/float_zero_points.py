"""Real zero points as further columns of a matrix, so that the runtime's integer kernel multiplies
by them as by any other.

Levels that begin anywhere are levels around the middle code, moved by one number a group:

    x W^T = x (scales * (codes - middle))^T + (sums of x over each group) shifts^T

With those sums beside x the shifts are columns of the same matrix. They are kept in 8 bits with a
scale a row, as 8 / bits digits of the codes' own width, each digit in groups of its own: a shift is
off by a 238th of the row's largest at most.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from paretoscope.quantization.packing.float16 import half

LEVELS = 256


def digits(bits: int) -> int:
    """How many digits of a matrix in `bits` a shift takes.

    >>> digits(4), digits(2)
    (2, 4)
    """
    return 8 // bits


def sums(groups: int, group_size: int) -> int:
    """Columns of one digit for so many groups: whole groups again.

    >>> sums(18, 32), sums(48, 32)
    (32, 64)
    """
    return math.ceil(groups / group_size) * group_size


@dataclass(frozen=True)
class Shifts:
    """scales[r] * (codes[r, g] - centre) for every group: `codes` uint8 [rows, groups], `scales`
    float32 [rows, 1], numbers that half precision has. `bits` are those of a digit."""

    codes: np.ndarray
    scales: np.ndarray
    bits: int

    @classmethod
    def nearest(cls, values: np.ndarray, bits: int) -> Shifts:
        """The shifts next to `values` [rows, groups]; those that come out are kept as they are.

        >>> kept = Shifts.nearest(np.array([[-1.0, 0.25]]), bits=4).values
        >>> bool(np.abs(kept - [[-1.0, 0.25]]).max() < 1 / 237), Shifts.nearest(kept, bits=4).values.tolist() == kept.tolist()
        (True, True)
        """
        room = LEVELS - 1 - _centre(bits)
        scales = half(np.abs(values).max(axis=1, keepdims=True) / np.float32(room), positive=True)
        codes = np.clip(np.rint(values / scales) + _centre(bits), 0, LEVELS - 1)
        return cls(codes.astype(np.uint8), scales, bits)

    @property
    def values(self) -> np.ndarray:
        """float32 [rows, groups]."""
        return (self.codes.astype(np.float32) - _centre(self.bits)) * self.scales

    def where(self, here: np.ndarray, other: Shifts) -> Shifts:
        """These in the rows where `here` [rows, 1], the `other` ones elsewhere."""
        return Shifts(
            np.where(here, self.codes, other.codes),
            np.where(here, self.scales, other.scales),
            self.bits,
        )

    def columns(self, group_size: int) -> tuple[np.ndarray, np.ndarray]:
        """What goes before the matrix's own columns and scales: codes uint8 [rows, digits * sums],
        the highest digits first, and the float32 scales of their groups."""
        width = sums(self.codes.shape[1], group_size)
        full = np.pad(self.codes, ((0, 0), (0, width - self.codes.shape[1])))
        places = [self.bits * place for place in reversed(range(digits(self.bits)))]
        codes = [(full >> np.uint8(place)) & np.uint8(2**self.bits - 1) for place in places]
        scales = [
            np.repeat(self.scales * np.float32(2**place), width // group_size, axis=1)
            for place in places
        ]
        return np.concatenate(codes, axis=1), np.concatenate(scales, axis=1)


def _centre(bits: int) -> int:
    """The code whose digits are all the middle one, which operators take for zero.

    >>> _centre(4) == 0x88, _centre(2) == 0b10101010
    (True, True)
    """
    return 2 ** (bits - 1) * (LEVELS - 1) // (2**bits - 1)
