"""Inputs of a matrix divided by constants that its weights are multiplied with: another graph, the same function.

The division goes into what comes before, where that costs nothing: into a norm whose result only this matrix takes, or,
before the attention's output, into the columns of the values (attention mixes positions, never channels). In a post-norm
layer the norm's result is also the residual, and GELU does not commute with a scale: there it is one multiplication
by a vector in front of the matrix.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import onnx
from onnx import helper, numpy_helper

from compression.models.graph import Matrix, initializers, matrices, replace

NORMS = {"LayerNormalization": (1, 2), "SkipLayerNormalization": (2, 3)}
"""Where these operators take their scale and shift; the result that matters is their first."""


def rescaled(model: onnx.ModelProto, scales: Mapping[str, np.ndarray]) -> onnx.ModelProto:
    """A copy in which the matrix of each name in `scales` takes x / s and is diag(s) W, with s [inputs]."""
    changed = {matrix.name: matrix.weight * scales[matrix.name][:, None] for matrix in matrices(model) if matrix.name in scales}
    tensors = initializers(model)
    producers = {value: node for node in model.graph.node for value in node.output}
    replaced: dict[str, list[onnx.NodeProto]] = {}
    for matrix in matrices(model):
        if matrix.name not in scales:
            continue
        inverse = (1 / scales[matrix.name]).astype(np.float32)
        folded = _into_norm(model, matrix, producers, inverse) or _into_values(model, matrix, producers, inverse)
        for name, factor in (folded or {}).items():
            changed[name] = (changed[name] if name in changed else numpy_helper.to_array(tensors[name])) * factor
        if folded is None:
            changed[f"{matrix.name}.rescale"] = inverse
            replaced[matrix.node.name] = _multiplied(matrix)
    return _with_values(replace(model, replaced, {name: value for name, value in changed.items() if name not in tensors}), changed)


def _into_norm(model: onnx.ModelProto, matrix: Matrix, producers: Mapping[str, onnx.NodeProto], inverse: np.ndarray) -> dict[str, np.ndarray] | None:
    """Factors of the scale and shift of the norm before the matrix; None when something else takes its result too."""
    x = matrix.node.input[0]
    norm = producers.get(x)
    if norm is None or norm.op_type not in NORMS or norm.output[0] != x or _uses(model, x) != 1:
        return None
    names = [norm.input[place] for place in NORMS[norm.op_type] if place < len(norm.input) and norm.input[place]]
    constants = initializers(model)
    if any(name not in constants or _uses(model, name) != 1 for name in names):
        return None
    return dict.fromkeys(names, inverse)


def _into_values(
    model: onnx.ModelProto, matrix: Matrix, producers: Mapping[str, onnx.NodeProto], inverse: np.ndarray
) -> dict[str, np.ndarray] | None:
    """Factors of the columns that give the values, in the packed matrix of query, key and value and in its bias."""
    x = matrix.node.input[0]
    attention = producers.get(x)
    if attention is None or attention.op_type != "MultiHeadAttention" or _uses(model, x) != 1:
        return None
    split = producers.get(attention.input[2])
    packed = producers.get(split.input[0]) if split is not None and split.op_type == "Split" else None
    if split is None or packed is None or packed.op_type != "MatMul" or list(split.output) != list(attention.input[:3]):
        return None
    names = (packed.input[1], attention.input[3])
    constants = initializers(model)
    if any(name not in constants or constants[name].dims[-1] != 3 * len(inverse) or _uses(model, name) != 1 for name in names):
        return None
    return dict.fromkeys(names, np.concatenate([np.ones(2 * len(inverse), dtype=np.float32), inverse]))


def _uses(model: onnx.ModelProto, value: str) -> int:
    return sum(list(node.input).count(value) for node in model.graph.node) + sum(output.name == value for output in model.graph.output)


def _multiplied(matrix: Matrix) -> list[onnx.NodeProto]:
    smaller = f"{matrix.node.name}.rescaled"
    multiply = helper.make_node("Mul", [matrix.node.input[0], f"{matrix.name}.rescale"], [smaller], name=smaller)
    product = onnx.NodeProto()
    product.CopyFrom(matrix.node)
    product.input[0] = smaller
    return [multiply, product]


def _with_values(model: onnx.ModelProto, changed: Mapping[str, np.ndarray]) -> onnx.ModelProto:
    """`model`, whose initializers of these names take these values."""
    for tensor in model.graph.initializer:
        if tensor.name in changed:
            tensor.CopyFrom(numpy_helper.from_array(np.asarray(changed[tensor.name], dtype=np.float32, order="C"), tensor.name))
    return model
