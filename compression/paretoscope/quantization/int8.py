"""Matrices in int8 with a scale per output, multiplied as integers with activations in uint8.

Dynamic finds the range of the activations in every call, static brings it along from calibration.
Both leave softmax, norms and activations in fp32.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import onnx
from onnx import helper

from paretoscope.graphs.graph import MICROSOFT, Matrix, matrices, replace
from paretoscope.quantization.calibration.uint8_grid import activation_grid


def per_output(weight: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """int8 codes [rows, columns] and float32 scales [columns]; symmetric, so zero stays zero.

    >>> codes, scales = per_output(np.array([[1.0, 0.0], [-2.0, 4.0]], dtype=np.float32))
    >>> codes.tolist()
    [[64, 0], [-127, 127]]
    """
    scales = np.abs(weight).max(axis=0) / np.float32(127)
    scales[scales == 0] = 1
    return np.rint(weight / scales).astype(np.int8), scales.astype(np.float32)


def quantize_dynamic(model: onnx.ModelProto, *, head: bool) -> onnx.ModelProto:
    """Every constant MatMul as DynamicQuantizeMatMul; the head's only when `head`."""
    replaced: dict[str, list[onnx.NodeProto]] = {}
    added: dict[str, np.ndarray] = {}
    for matrix in _chosen(model, head):
        codes, scales = _keep(matrix, added)
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
    """Every constant MatMul as QuantizeLinear and MatMulIntegerToFloat.

    `ranges` gives (low, high) of each activation that enters a matrix, by its name in the graph.
    """
    replaced: dict[str, list[onnx.NodeProto]] = {}
    added: dict[str, np.ndarray] = {}
    quantized: set[str] = set()
    for matrix in _chosen(model, head):
        codes, scales = _keep(matrix, added)
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
    """A tied head is left to `weight_only.quantize_tied`: the runtime's integer multiplications
    want words as columns, a lookup as rows.
    """
    return [
        matrix for matrix in matrices(model) if not matrix.tied and (head or not matrix.in_head)
    ]


def _keep(matrix: Matrix, added: dict[str, np.ndarray]) -> tuple[str, str]:
    """Add the matrix's integers and scales; two nodes that share a weight share these too."""
    codes, scales = f"{matrix.name}.int8", f"{matrix.name}.scales"
    if codes not in added:
        added[codes], added[scales] = per_output(matrix.weight)
    return codes, scales
