"""A matrix of small integers in groups that share a scale, and its packing for the runtime's
operators.

Which integer a weight becomes is decided by a rounding (`quantization/rounding/rtn.py`); this file
only holds and packs.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from paretoscope.quantization.packing.float16 import HALF
from paretoscope.quantization.packing.float_zero_points import Shifts, digits, sums

GROUP_SIZE = {8: 128, 4: 32, 2: 16}
"""Weights of a row that share a scale: fewer bits need finer groups."""


@dataclass(frozen=True)
class Groups:
    """weight[r, c] = scales[r, g] * (codes[r, c] - zero_points[r, g]) + shifts[r, g], where g = c
    // group_size.

    `codes` uint8 [rows, columns] below 2**bits; `scales` float32, numbers that half precision has,
    and `zero_points` uint8 [rows, groups]. Either `shifts` are None or, with real zero points,
    `zero_points` are the middle code. A row is one output of a matrix, or one word of an embedding;
    the last group may be short.
    """

    codes: np.ndarray
    scales: np.ndarray
    zero_points: np.ndarray
    bits: int
    group_size: int
    shifts: Shifts | None = None

    @property
    def has_zero_points(self) -> bool:
        """Whether the operators are given zero points. They assume the middle code when there are
        none: that is right at 8 bits, whatever the weights, so that bytes depend on shapes alone,
        and with shifts, which are from there."""
        return self.bits != 8 and self.shifts is None

    @property
    def width(self) -> int:
        """Columns of the matrix that is multiplied with: the shifts', then its own."""
        return self.codes.shape[1] + (
            0
            if self.shifts is None
            else digits(self.bits) * sums(self.scales.shape[1], self.group_size)
        )

    def dequantized(self) -> np.ndarray:
        """The float32 weights [rows, columns] that the codes stand for."""
        columns = self.codes.shape[1]
        scales = np.repeat(self.scales, self.group_size, axis=1)[:, :columns]
        zeros = np.repeat(self.zero_points, self.group_size, axis=1)[:, :columns]
        weight = (self.codes.astype(np.float32) - zeros) * scales
        return (
            weight
            if self.shifts is None
            else weight + np.repeat(self.shifts.values, self.group_size, axis=1)[:, :columns]
        )

    def packed_blocks(self) -> np.ndarray:
        """Codes for MatMulNBits: uint8 [rows, groups, group_size * bits / 8], those of shifts
        first, short groups filled up.
        """
        beside = [] if self.shifts is None else [self.shifts.columns(self.group_size)[0]]
        codes = np.concatenate([*beside, self.codes], axis=1)
        full = np.pad(codes, ((0, 0), (0, -codes.shape[1] % self.group_size)))
        return pack(full, self.bits).reshape(len(full), full.shape[1] // self.group_size, -1)

    def packed_scales(self) -> np.ndarray:
        """float16 [rows, groups], those of shifts first."""
        beside = [] if self.shifts is None else [self.shifts.columns(self.group_size)[1]]
        return np.concatenate([*beside, self.scales], axis=1).astype(np.float16)

    def packed_rows(self) -> np.ndarray:
        """Codes for GatherBlockQuantized: uint8 [rows, columns * bits / 8]."""
        return pack(self.codes, self.bits)

    def packed_zero_points(self) -> np.ndarray:
        """Zero points packed like codes: uint8 [rows, ceil(groups * bits / 8)]."""
        return pack(self.zero_points, self.bits)


def blank(shape: tuple[int, int], bits: int, group_size: int, real: bool = False) -> Groups:
    """Groups of the right size that stand for nothing yet: every code, scale and zero point is 0."""
    rows, columns = shape
    groups = math.ceil(columns / group_size)
    zeros = np.zeros((rows, groups), dtype=np.uint8)
    nothing = zeros.astype(np.float32)
    shifts = Shifts(zeros, nothing[:, :1], bits) if real and bits < 8 else None
    return Groups(np.zeros(shape, dtype=np.uint8), nothing, zeros, bits, group_size, shifts)


def row_bytes(columns: int, bits: int, group_size: int, real: bool = False) -> int:
    """Bytes of a row of codes with its scales and, below 8 bits, its zero points or (`real`)
    shifts.

    >>> row_bytes(64, 4, 32)  # 32 of codes, 4 of scales, 1 of zero points
    37
    """
    groups = math.ceil(columns / group_size)
    beside = digits(bits) * sums(groups, group_size) if real and bits < 8 else 0
    starts = 0 if bits == 8 or real else math.ceil(groups * bits / 8)
    return (
        math.ceil((columns + beside) * bits / 8) + HALF * (groups + beside // group_size) + starts
    )


def pack(codes: np.ndarray, bits: int) -> np.ndarray:
    """Put 8 / bits neighbours of the last axis into one byte, the first in its lowest bits.

    >>> pack(np.array([[1, 2, 3]], dtype=np.uint8), 4).tolist()
    [[33, 3]]
    """
    per_byte = 8 // bits
    if per_byte == 1:
        return codes
    missing = -codes.shape[-1] % per_byte
    if missing:
        codes = np.concatenate(
            [codes, np.zeros((*codes.shape[:-1], missing), dtype=np.uint8)], axis=-1
        )
    packed = codes[..., 0::per_byte].copy()
    for place in range(1, per_byte):
        packed |= codes[..., place::per_byte] << np.uint8(bits * place)
    return packed


def in_groups(weight: np.ndarray, group_size: int) -> np.ndarray:
    """[rows, columns] as [rows, groups, group_size]; a short last group is filled with its last
    weight, which no range notices.
    """
    missing = -weight.shape[1] % group_size
    if missing:
        weight = np.pad(weight, ((0, 0), (0, missing)), mode="edge")
    return weight.reshape(len(weight), weight.shape[1] // group_size, group_size)


def tied_group_size(width: int, group_size: int) -> int:
    """Weights that share a scale in a table [words, width] that is looked up too: a row is whole
    groups, which a multiplication may fill up.

    >>> tied_group_size(576, 32), tied_group_size(576, 128)
    (32, 64)
    """
    while width % group_size:
        group_size //= 2
    return group_size
