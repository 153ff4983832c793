"""Matrices in int8 with a scale for each output, multiplied by uint8 activations as integers.

The dynamic scheme computes the range of the activations in every call, the static one stores it
from calibration. Softmax, norms and other activations remain fp32.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import onnx
from onnx import helper

from paretoscope.graphs.graph import MICROSOFT, Matrix, matrices, replace
from paretoscope.quantization.calibration.uint8_grid import activation_grid


def per_output(weight: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """int8 codes [rows, columns] and float32 scales [columns]; symmetric, so zeros stay zero.

    >>> codes, scales = per_output(np.array([[1.0, 0.0], [-2.0, 4.0]], dtype=np.float32))
    >>> codes.tolist()
    [[64, 0], [-127, 127]]
    """
    scales = np.abs(weight).max(axis=0) / np.float32(127)
    scales[scales == 0] = 1
    return np.rint(weight / scales).astype(np.int8), scales.astype(np.float32)


def quantize_dynamic(model: onnx.ModelProto, *, head: bool) -> onnx.ModelProto:
    """Replace every constant MatMul by DynamicQuantizeMatMul; the head's only with `head`."""
    replaced: dict[str, list[onnx.NodeProto]] = {}
    added: dict[str, np.ndarray] = {}
    for matrix in _chosen(model, head):
        codes, scales = _store(matrix, added)
        inputs = [matrix.node.input[0], codes, scales]
        replaced[matrix.node.name] = [
            helper.make_node(
                "DynamicQuantizeMatMul",
                inputs,
                matrix.node.output,
                name=matrix.node.name,
                domain=MICROSOFT,
            )
        ]
    return replace(model, replaced, added)


def quantize_static(
    model: onnx.ModelProto, ranges: Mapping[str, tuple[float, float]], *, head: bool
) -> onnx.ModelProto:
    """Replace every constant MatMul by QuantizeLinear and MatMulIntegerToFloat.

    `ranges` is (low, high) of each activation that enters a matrix, by its name in the graph.
    """
    replaced: dict[str, list[onnx.NodeProto]] = {}
    added: dict[str, np.ndarray] = {}
    quantized: set[str] = set()
    for matrix in _chosen(model, head):
        codes, scales = _store(matrix, added)
        x = matrix.node.input[0]
        scale, zero, small = f"{x}.scale", f"{x}.zero", f"{x}.quantized"
        nodes: list[onnx.NodeProto] = []
        if x not in quantized:
            added[scale], added[zero] = activation_grid(*ranges[x])
            nodes.append(helper.make_node("QuantizeLinear", [x, scale, zero], [small], name=small))
            quantized.add(x)
        inputs = [small, codes, scale, scales, zero]
        nodes.append(
            helper.make_node(
                "MatMulIntegerToFloat",
                inputs,
                matrix.node.output,
                name=matrix.node.name,
                domain=MICROSOFT,
            )
        )
        replaced[matrix.node.name] = nodes
    return replace(model, replaced, added)


def _chosen(model: onnx.ModelProto, head: bool) -> list[Matrix]:
    """The matrices to quantize; a tied head is done in `weight_only.quantize_tied`.

    Integer multiplications of the runtime need tokens as columns, a lookup needs them as rows.
    """
    return [
        matrix for matrix in matrices(model) if not matrix.tied and (head or not matrix.in_head)
    ]


def _store(matrix: Matrix, added: dict[str, np.ndarray]) -> tuple[str, str]:
    """Add the matrix's integers and scales; nodes that share a weight share these too."""
    codes, scales = f"{matrix.name}.int8", f"{matrix.name}.scales"
    if codes not in added:
        added[codes], added[scales] = per_output(matrix.weight)
    return codes, scales
