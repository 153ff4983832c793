"""A matrix of small integers in groups that share a scale, and its bytes for the operators.

Roundings (`rounding/`) decide which integer a weight becomes.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from paretoscope.quantization.packing.float16 import FLOAT16_BYTES
from paretoscope.quantization.packing.float_zero_points import FloatZeroPoints, digits, sums

GROUP_SIZE = {8: 128, 4: 32, 2: 16}
"""Weights of a row that share a scale, by bits: fewer bits need smaller groups."""


@dataclass(frozen=True)
class Groups:
    """weight[r, c] = scales[r, g] * (codes[r, c] - zero_points[r, g]) + float_zero_points[r, g].

    g = c // group_size. `codes` is uint8 [rows, columns] below 2**bits, `scales` float32 [rows,
    groups] of float16 values, `zero_points` uint8 [rows, groups]. With real zero points these are
    the middle code, otherwise `float_zero_points` is None. A row is an output of a matrix or a
    token of an embedding; the last group may be short.
    """

    codes: np.ndarray
    scales: np.ndarray
    zero_points: np.ndarray
    bits: int
    group_size: int
    float_zero_points: FloatZeroPoints | None = None

    @property
    def has_zero_points(self) -> bool:
        """Whether the operators get integer zero points.

        Without them they use the middle code, which is right at 8 bits for all weights, and for
        real zero points, which are relative to it.
        """
        return self.bits != 8 and self.float_zero_points is None

    @property
    def width(self) -> int:
        """Columns of the multiplied matrix: those of real zero points, then its own."""
        columns = self.codes.shape[1]
        if self.float_zero_points is None:
            return columns
        return columns + digits(self.bits) * sums(self.scales.shape[1], self.group_size)

    def dequantized(self) -> np.ndarray:
        """The float32 weights [rows, columns] of the codes."""
        columns = self.codes.shape[1]
        scales = np.repeat(self.scales, self.group_size, axis=1)[:, :columns]
        zeros = np.repeat(self.zero_points, self.group_size, axis=1)[:, :columns]
        weight = (self.codes.astype(np.float32) - zeros) * scales
        if self.float_zero_points is None:
            return weight
        points = np.repeat(self.float_zero_points.values, self.group_size, axis=1)
        return weight + points[:, :columns]

    def packed_blocks(self) -> np.ndarray:
        """Codes for MatMulNBits: uint8 [rows, groups, group_size * bits / 8].

        Those of real zero points come first; a short group is filled up.
        """
        points = self.float_zero_points
        extra = [] if points is None else [points.columns(self.group_size)[0]]
        codes = np.concatenate([*extra, self.codes], axis=1)
        full = np.pad(codes, ((0, 0), (0, -codes.shape[1] % self.group_size)))
        return pack(full, self.bits).reshape(len(full), full.shape[1] // self.group_size, -1)

    def packed_scales(self) -> np.ndarray:
        """float16 [rows, groups]; those of real zero points come first."""
        points = self.float_zero_points
        extra = [] if points is None else [points.columns(self.group_size)[1]]
        return np.concatenate([*extra, self.scales], axis=1).astype(np.float16)

    def packed_rows(self) -> np.ndarray:
        """Codes for GatherBlockQuantized: uint8 [rows, columns * bits / 8]."""
        return pack(self.codes, self.bits)

    def packed_zero_points(self) -> np.ndarray:
        """Zero points packed like codes: uint8 [rows, ceil(groups * bits / 8)]."""
        return pack(self.zero_points, self.bits)


def blank(shape: tuple[int, int], bits: int, group_size: int, real: bool = False) -> Groups:
    """Groups of a given size in which every code, scale and zero point is 0."""
    rows, columns = shape
    groups = math.ceil(columns / group_size)
    zeros = np.zeros((rows, groups), dtype=np.uint8)
    scales = zeros.astype(np.float32)
    points = FloatZeroPoints(zeros, scales[:, :1], bits) if real and bits < 8 else None
    return Groups(np.zeros(shape, dtype=np.uint8), scales, zeros, bits, group_size, points)


def row_bytes(columns: int, bits: int, group_size: int, real: bool = False) -> int:
    """Bytes of a row of codes with its scales and, below 8 bits, its (`real`) zero points.

    >>> row_bytes(64, 4, 32)  # 32 of codes, 4 of scales, 1 of zero points
    37
    """
    groups = math.ceil(columns / group_size)
    extra = digits(bits) * sums(groups, group_size) if real and bits < 8 else 0
    points = 0 if bits == 8 or real else math.ceil(groups * bits / 8)
    scales = FLOAT16_BYTES * (groups + extra // group_size)
    return math.ceil((columns + extra) * bits / 8) + scales + points


def pack(codes: np.ndarray, bits: int) -> np.ndarray:
    """Pack 8 / bits neighbours of the last axis into one byte, the first in its lowest bits.

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
    """[rows, columns] as [rows, groups, group_size].

    A short last group is filled with its last weight, which leaves its range unchanged.
    """
    missing = -weight.shape[1] % group_size
    if missing:
        weight = np.pad(weight, ((0, 0), (0, missing)), mode="edge")
    return weight.reshape(len(weight), weight.shape[1] // group_size, group_size)


def tied_group_size(width: int, group_size: int) -> int:
    """Group size of a table [tokens, width] that is also looked up: a row has whole groups.

    >>> tied_group_size(576, 32), tied_group_size(576, 128)
    (32, 64)
    """
    while width % group_size:
        group_size //= 2
    return group_size
