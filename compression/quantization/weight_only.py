"""Matrices in 2, 4 or 8 bits with a scale per group, widened inside the multiplication (MatMulNBits).

Activations stay fp32 in the file; the kernel may round them to int8 per group (`accuracy_level` 4),
without which 8 bits run many times slower than fp32.
"""

from __future__ import annotations

import importlib

import numpy as np
import onnx
from onnx import helper

from compression.models.graph import MICROSOFT, Matrix, matrices, replace
from compression.quantization.allocation import allocate
from compression.quantization.groups import Groups
from compression.recipe import BITS, ROUNDINGS, Quantize

INT8_ARITHMETIC = 4
"""`accuracy_level` of MatMulNBits: activations may be rounded to int8."""


def quantize_weights(model: onnx.ModelProto, stage: Quantize) -> onnx.ModelProto:
    """Every constant MatMul as MatMulNBits, the encoder's at `stage.bits` on average, the head's at `stage.head_bits`."""
    everything = list(matrices(model))
    widths = bit_widths([matrix for matrix in everything if not matrix.in_head], stage)
    replaced: dict[str, list[onnx.NodeProto]] = {}
    added: dict[str, np.ndarray] = {}
    for matrix in everything:
        bits = stage.head_bits if matrix.in_head else widths[matrix.name]
        if bits != 32:
            groups = round_matrix(matrix.weight, bits, stage)
            replaced[matrix.node.name] = [_node(matrix, groups, added)]
    return replace(model, replaced, added)


def bit_widths(encoder: list[Matrix], stage: Quantize) -> dict[str, int]:
    """Bits of each matrix by name; an average between widths goes where it spares the most squared error."""
    if stage.bits in BITS:
        return {matrix.name: int(stage.bits) for matrix in encoder}
    errors = [{bits: _squared_error(matrix.weight, bits, stage) for bits in BITS} for matrix in encoder]
    chosen = allocate([matrix.weight.size for matrix in encoder], errors, stage.bits)
    return {matrix.name: bits for matrix, bits in zip(encoder, chosen, strict=True)}


def round_matrix(weight: np.ndarray, bits: int, stage: Quantize) -> Groups:
    """Round a weight [inputs, outputs] by the stage's rounding, in groups along the inputs."""
    rounding = importlib.import_module(ROUNDINGS[stage.rounding].carried_out_by)
    return rounding.quantize_groups(np.ascontiguousarray(weight.T), bits, stage.group_size)


def _squared_error(weight: np.ndarray, bits: int, stage: Quantize) -> float:
    """Squared error of rounding, relative to the matrix's own size, so that every matrix counts alike."""
    difference = round_matrix(weight, bits, stage).dequantized() - weight.T
    return float(np.square(difference).sum() / max(np.square(weight).sum(), 1e-12))


def _node(matrix: Matrix, groups: Groups, added: dict[str, np.ndarray]) -> onnx.NodeProto:
    rows, columns = matrix.weight.shape
    added[f"{matrix.name}.codes"] = groups.packed_blocks()
    added[f"{matrix.name}.scales"] = groups.scales
    inputs = [matrix.node.input[0], f"{matrix.name}.codes", f"{matrix.name}.scales"]
    if not groups.symmetric:
        added[f"{matrix.name}.zero_points"] = groups.packed_zero_points()
        inputs.append(f"{matrix.name}.zero_points")
    return helper.make_node(
        "MatMulNBits",
        inputs,
        matrix.node.output,
        name=matrix.node.name,
        domain=MICROSOFT,
        K=rows,
        N=columns,
        bits=groups.bits,
        block_size=groups.group_size,
        accuracy_level=INT8_ARITHMETIC,
    )
