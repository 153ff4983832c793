"""Divide the inputs of a matrix by constants and multiply its weights by them: the same function.

The division is folded into the operator before, at no cost: into a norm that only this matrix
reads; before the output of attention into the columns of the values (attention mixes positions,
never channels); after a gated activation into the gated columns, which it multiplies. A post-norm
result is also the residual, GELU does not commute with a scale, and a value that several query
heads read cannot have all their scales: there a multiplication by a vector precedes the matrix.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import onnx
from onnx import helper, numpy_helper

from paretoscope.graphs.graph import Matrix, initializers, matrices, replace

NORMS = {
    "LayerNormalization": (1, 2),
    "SkipLayerNormalization": (2, 3),
    "SimplifiedLayerNormalization": (1,),
}
"""Indices of scale and bias among the inputs of these operators."""


def rescaled(model: onnx.ModelProto, scales: Mapping[str, np.ndarray]) -> onnx.ModelProto:
    """A copy in which each matrix named in `scales` reads x / s and is diag(s) W, s [inputs]."""
    changed = {
        matrix.name: matrix.weight * scales[matrix.name][:, None]
        for matrix in matrices(model)
        if matrix.name in scales
    }
    tensors = initializers(model)
    producers = {value: node for node in model.graph.node for value in node.output}
    replaced: dict[str, list[onnx.NodeProto]] = {}
    for matrix in matrices(model):
        if matrix.name not in scales:
            continue
        inverse = (1 / scales[matrix.name]).astype(np.float32)
        folded = _into_norm(model, matrix, producers, inverse) or _into_columns(
            model, matrix, producers, inverse
        )
        for name, factor in (folded or {}).items():
            changed[name] = (
                changed[name] if name in changed else numpy_helper.to_array(tensors[name])
            ) * factor
        if folded is None:
            changed[f"{matrix.name}.rescale"] = inverse
            replaced[matrix.node.name] = _multiplied(matrix)
    return _with_values(
        replace(
            model, replaced, {name: value for name, value in changed.items() if name not in tensors}
        ),
        changed,
    )


def _into_norm(
    model: onnx.ModelProto,
    matrix: Matrix,
    producers: Mapping[str, onnx.NodeProto],
    inverse: np.ndarray,
) -> dict[str, np.ndarray] | None:
    """Factors of scale and bias of the norm before the matrix; None if it has other readers."""
    x = matrix.node.input[0]
    norm = producers.get(x)
    if norm is None or norm.op_type not in NORMS or norm.output[0] != x or _uses(model, x) != 1:
        return None
    names = [
        norm.input[place]
        for place in NORMS[norm.op_type]
        if place < len(norm.input) and norm.input[place]
    ]
    constants = initializers(model)
    if any(name not in constants or _uses(model, name) != 1 for name in names):
        return None
    return dict.fromkeys(names, inverse)


def _into_columns(
    model: onnx.ModelProto,
    matrix: Matrix,
    producers: Mapping[str, onnx.NodeProto],
    inverse: np.ndarray,
) -> dict[str, np.ndarray] | None:
    """Factors of columns in the matrix before and its bias; None if there is no such matrix.

    They are the values of attention, or the gated columns of a feed-forward block.
    """
    x = matrix.node.input[0]
    node = producers.get(x)
    if node is None or _uses(model, x) != 1:
        return None
    match node.op_type:
        case "MultiHeadAttention":
            found = _columns(model, producers, node.input[2])
            names = [*found.names, node.input[3]] if found else []
        case "GroupQueryAttention":
            if _attribute(node, "num_heads") != _attribute(node, "kv_num_heads"):
                return None
            found = _columns(model, producers, node.input[2] or node.input[0], last=len(inverse))
            names = found.names if found else []
        case "Mul":
            found = _columns(model, producers, node.input[1])
            names = found.names if found else []
        case _:
            return None
    constants = initializers(model)
    if (
        found is None
        or found.width != len(inverse)
        or any(name not in constants or _uses(model, name) != 1 for name in names)
    ):
        return None
    factor = np.ones(constants[names[0]].dims[-1], dtype=np.float32)
    factor[found.start : found.start + found.width] = inverse
    return dict.fromkeys(names, factor)


@dataclass(frozen=True)
class Columns:
    """Columns `start` to `start + width` of a matrix and its bias, which `names` names."""

    names: list[str]
    start: int
    width: int


def _columns(
    model: onnx.ModelProto,
    producers: Mapping[str, onnx.NodeProto],
    value: str,
    last: int | None = None,
) -> Columns | None:
    """The columns that compute `value`, or its `last` columns.

    A constant matrix, with or without bias and Split. None if other operators are between, or if it
    has other readers.
    """
    constants = initializers(model)
    names: list[str] = []
    start, width = 0, last
    node = producers.get(value)
    if node is not None and node.op_type == "Split" and node.input[1] in constants:
        sizes = numpy_helper.to_array(constants[node.input[1]]).tolist()
        part = list(node.output).index(value)
        start, width = sum(sizes[:part]), sizes[part]
        value = node.input[0]
        node = producers.get(value)
    if node is not None and node.op_type == "Add" and node.input[1] in constants:
        names.append(node.input[1])
        node = producers.get(node.input[0])
    if (
        node is None
        or node.op_type != "MatMul"
        or node.input[1] not in constants
        or _uses(model, value) != 1
        or _uses(model, node.output[0]) != 1
    ):
        return None
    columns = constants[node.input[1]].dims[-1]
    if last is not None:
        start = columns - last
    return Columns([node.input[1], *names], start, width or columns)


def _attribute(node: onnx.NodeProto, name: str) -> int:
    return next(each.i for each in node.attribute if each.name == name)


def _uses(model: onnx.ModelProto, value: str) -> int:
    return sum(list(node.input).count(value) for node in model.graph.node) + sum(
        output.name == value for output in model.graph.output
    )


def _multiplied(matrix: Matrix) -> list[onnx.NodeProto]:
    smaller = f"{matrix.node.name}.rescaled"
    multiply = helper.make_node(
        "Mul", [matrix.node.input[0], f"{matrix.name}.rescale"], [smaller], name=smaller
    )
    product = onnx.NodeProto()
    product.CopyFrom(matrix.node)
    product.input[0] = smaller
    return [multiply, product]


def _with_values(model: onnx.ModelProto, changed: Mapping[str, np.ndarray]) -> onnx.ModelProto:
    """`model` with these values of its initializers."""
    for tensor in model.graph.initializer:
        if tensor.name in changed:
            tensor.CopyFrom(
                numpy_helper.from_array(
                    np.asarray(changed[tensor.name], dtype=np.float32, order="C"), tensor.name
                )
            )
    return model
