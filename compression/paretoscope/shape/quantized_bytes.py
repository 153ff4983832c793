"""Bytes of matrices and of the word embedding, in fp32 or quantized.

It mirrors the packing of `quantization/`; tests compare the two byte for byte. If an average of
bits lies between two widths, the widths of the matrices depend on the weights and the result is an
interval.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from math import ceil
from typing import NamedTuple

from paretoscope.errors import RecipeError
from paretoscope.recipes.stages import BITS, Quantize
from paretoscope.recipes.stages.methods import ROUNDINGS
from paretoscope.recipes.stages.parts import unmatched
from paretoscope.shape.shape import FLOAT, HALF, INT64, RANGE_BYTES, Matrix, ModelShape

FREQUENT_BYTES = 4 * INT64
"""Constants that separate frequent tokens: their number, the last of them, zero and an axis."""
EMBEDDING_GROUP = {8: 128, 4: 32, 2: 16}
"""Weights per scale in a row of the word embedding, by bits."""


class Bytes(NamedTuple):
    """Bounds on a number of bytes, and a likely value between them."""

    low: int
    likely: int
    high: int


def matrix_bytes(matrices: Sequence[Matrix], stage: Quantize | None) -> Bytes:
    """Bytes of all matrices with their scales and zero points."""
    if stage is not None and stage.scheme == "weight-only":
        return _weight_only(matrices, stage)
    total = sum(_int8_matrix(m, stage) if stage else m.size * FLOAT for m in matrices)
    return Bytes(total, total, total)


def one_matrix_bytes(matrix: Matrix, stage: Quantize | None) -> int | None:
    """Bytes of one matrix with its scales and zero points; None if its width is chosen later."""
    if stage is None:
        return matrix.size * FLOAT
    if stage.scheme != "weight-only":
        return _int8_matrix(matrix, stage)
    if stage.max_mb is not None:
        return None
    if matrix.in_head:
        return _head_bytes(matrix, stage)
    bits = stage.bits_of(matrix.name)
    return None if bits is None else _grouped(matrix, bits, stage) + _rescaled(matrix, stage)


def average_bits(matrices: Iterable[Matrix], stage: Quantize) -> float:
    """Bits per weight in the matrices of the layers, for a stage with `bits`."""
    layers = [matrix for matrix in matrices if not matrix.in_head]
    size = sum(matrix.size for matrix in layers)
    if not stage.parts or not size:
        return stage.bits
    return sum(matrix.size * (stage.bits_of(matrix.name) or 32) for matrix in layers) / size


def embedding_bytes(shape: ModelShape, stage: Quantize | None) -> int:
    """Bytes of the word embedding; 0 if it is the matrix of a tied head."""
    if not shape.embedding_is_separate(stage):
        return 0
    bits = stage.embedding_bits if stage else 32
    if stage is None or bits == 32:
        return FLOAT * shape.vocabulary * shape.embedding

    def rows(count: int, bits: int) -> int:
        return count * _row_bytes(shape.embedding, bits, EMBEDDING_GROUP[bits])

    if not stage.frequent_words:
        return rows(shape.vocabulary, bits)
    rare = _rare_tokens(shape.vocabulary, stage)
    return rows(stage.frequent_words, 8) + rows(rare, bits) + FREQUENT_BYTES


def partial_group_bytes(shape: ModelShape, inputs: int, stage: Quantize) -> int:
    """Most bytes by which a layer of another width differs from the mean, in the last groups.

    `inputs` is the largest width of a layer. Every output has one partially filled group; float
    zero points add theirs, and the indices that assign inputs to groups.
    """
    group = stage.group_size * max(BITS) // 8 + 2 * HALF
    members = 0
    if stage.zero_point == "real":
        group += max(_zero_point_bytes(1, bits, stage.group_size, real=True) for bits in (2, 4))
        members = _member_bytes(inputs, stage.group_size)
    return shape.hidden * group + members


# --- int8 -----------------------------------------------------------------------------------------


def _int8_matrix(matrix: Matrix, stage: Quantize) -> int:
    """One byte per weight and one scale per output; static adds the range of the activation."""
    if matrix.tied:
        return _head_bytes(matrix, stage)
    if matrix.in_head and stage.head_bits == 32:
        return matrix.size * FLOAT
    activation = RANGE_BYTES if stage.scheme == "int8-static" else 0
    return matrix.size + matrix.outputs * FLOAT + activation


# --- weight-only ----------------------------------------------------------------------------------


def _weight_only(matrices: Sequence[Matrix], stage: Quantize) -> Bytes:
    """Exact if all matrices of the layers have the same width."""
    layers = [matrix for matrix in matrices if not matrix.in_head]
    fixed = sum(_head_bytes(matrix, stage) for matrix in matrices if matrix.in_head)
    if stage.one_width is None:
        fixed += sum(_rescaled(matrix, stage) for matrix in layers)
        return _mixed_widths(layers, stage, fixed, _shared_bytes(matrices, stage, BITS[0]))
    if missing := unmatched(stage.parts, [matrix.name for matrix in layers]):
        raise RecipeError(_no_such_part(missing[0], layers))
    fixed += _shared_bytes(matrices, stage, stage.one_width)
    total = fixed + sum(one_matrix_bytes(matrix, stage) or 0 for matrix in layers)
    return Bytes(total, total, total)


def _no_such_part(part: str, layers: Sequence[Matrix]) -> str:
    last = max(int(matrix.name.split(".")[1]) for matrix in layers if "layer." in matrix.name)
    return f'The model has no part "{part}": its layers are layer.0 to layer.{last}.'


def _rescaled(matrix: Matrix, stage: Quantize) -> int:
    """Bytes of the factors by which a rounding scales the inputs of a quantized matrix."""
    scaled = ROUNDINGS[stage.rounding].rescales and not matrix.absorbs
    return matrix.inputs * FLOAT if scaled and stage.bits_of(matrix.name) != 32 else 0


def _mixed_widths(layers: Sequence[Matrix], stage: Quantize, fixed: int, shared: int) -> Bytes:
    """Bounds for an average of `stage.bits` over the matrices of the layers."""
    size = sum(matrix.size for matrix in layers)
    groups = sum(matrix.outputs * ceil(matrix.inputs / stage.group_size) for matrix in layers)
    filled = groups * stage.group_size / size
    codes = stage.bits * size * filled / 8
    # The unspent part of the average is less than the most expensive step, from 4 to 8 bits.
    unspent = max(matrix.size for matrix in layers) * filled * 4 / 8
    zero_points = {bits: _layer_zero_points(layers, bits, stage) for bits in (2, 4)}
    # 8 bits have no zero points. An average below 4 is mostly a mix of 2 and 4, else of 4 and 8.
    at_4 = (stage.bits - 2) / 2 if stage.bits < 4 else (8 - stage.bits) / 4
    likely = at_4 * zero_points[4] + ((1 - at_4) * zero_points[2] if stage.bits < 4 else 0)
    fixed += groups * HALF
    return Bytes(
        int(fixed + codes - unspent),
        int(fixed + codes + likely + shared),
        ceil(fixed + codes + max(zero_points.values()) + shared),
    )


def _layer_zero_points(layers: Iterable[Matrix], bits: int, stage: Quantize) -> int:
    real = stage.zero_point == "real"
    return sum(
        matrix.outputs * _zero_point_bytes(matrix.inputs, bits, stage.group_size, real)
        for matrix in layers
    )


def _head_bytes(matrix: Matrix, stage: Quantize) -> int:
    """In groups; frequent tokens of a tied head may have more bits than the others."""
    bits = _head_bits(matrix, stage)
    if not matrix.tied or not stage.frequent_words:
        return _grouped(matrix, bits, stage)
    if bits >= 8:
        raise RecipeError(
            f"frequent_words needs head_bits below 8, because the head of this model is also its"
            f" word embedding, but got {bits}; set head_bits to 4 or 2."
        )
    rare = replace(matrix, outputs=_rare_tokens(matrix.outputs, stage))
    frequent = replace(matrix, outputs=stage.frequent_words)
    return _grouped(frequent, 8, stage) + _grouped(rare, bits, stage) + FREQUENT_BYTES


def _rare_tokens(vocabulary: int, stage: Quantize) -> int:
    """Number of tokens that are not among the frequent ones."""
    if stage.frequent_words >= vocabulary:
        raise RecipeError(
            f"frequent_words is {stage.frequent_words:,}, but the vocabulary has only"
            f" {vocabulary:,} entries; set it below."
        )
    return vocabulary - stage.frequent_words


def _head_bits(matrix: Matrix, stage: Quantize) -> int:
    """A tied head has the larger width of its two uses."""
    return max(stage.head_bits, stage.embedding_bits) if matrix.tied else stage.head_bits


def _group_size(matrix: Matrix, stage: Quantize) -> int:
    """The row length of a tied head is a multiple of its group size."""
    group = stage.group_size
    while matrix.tied and matrix.inputs % group:
        group //= 2
    return group


def _grouped(matrix: Matrix, bits: int, stage: Quantize) -> int:
    """Rows padded to full groups, each of `_row_bytes`."""
    if bits == 32:
        return matrix.size * FLOAT
    group = _group_size(matrix, stage)
    columns = ceil(matrix.inputs / group) * group
    return matrix.outputs * _row_bytes(columns, bits, group, stage.zero_point == "real")


def _row_bytes(columns: int, bits: int, group_size: int, real: bool = False) -> int:
    """Codes of a row, one scale per group and, below 8 bits, zero points."""
    codes, scales = ceil(columns * bits / 8), HALF * ceil(columns / group_size)
    return codes + scales + _zero_point_bytes(columns, bits, group_size, real)


def _zero_point_bytes(columns: int, bits: int, group_size: int, real: bool) -> int:
    """Integer zero points are packed. Real ones have 8 bits, as digits in groups with scales."""
    groups = ceil(columns / group_size)
    if bits == 8:
        return 0
    if not real:
        return ceil(groups * bits / 8)
    digit_group = group_size * bits // 8 + HALF
    return (8 // bits) * ceil(groups / group_size) * digit_group


def _shared_bytes(matrices: Iterable[Matrix], stage: Quantize, bits: int) -> int:
    """Constants that matrices with real zero points share.

    These are the indices that assign inputs to groups, one byte each, and the sizes of the split of
    an embedding row. `bits` is the width of the matrices of the layers.
    """
    if stage.zero_point == "integer":
        return 0

    def width(matrix: Matrix) -> int:
        if matrix.in_head:
            return _head_bits(matrix, stage)
        return stage.bits_of(matrix.name) or bits

    shifted = [matrix for matrix in matrices if width(matrix) < 8]
    members = {(matrix.inputs, _group_size(matrix, stage)) for matrix in shifted}
    splits = sum(INT64 * (1 + 8 // _head_bits(matrix, stage)) for matrix in shifted if matrix.tied)
    return sum(_member_bytes(inputs, group) for inputs, group in members) + splits


def _member_bytes(inputs: int, group_size: int) -> int:
    """One byte per input and group; the number of groups is a multiple of the group size."""
    return inputs * ceil(ceil(inputs / group_size) / group_size) * group_size
