"""Gives a traced graph the form that quantization reads: every weight matrix in a MatMul, the word
embedding and the head by name.

torch writes a linear module as MatMul, Gemm, Einsum (XLNet) or Conv (SqueezeBERT), by its code.
Here each becomes a MatMul with a constant matrix [inputs, outputs]; the function is the same. A
Conv over several tokens, or in channel groups, stays as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import prod
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from paretoscope.graphs.graph import EMBEDDING, HEAD, initializers, replace

SAME_IDS = ("Cast", "Identity", "Reshape", "Slice", "Squeeze", "Transpose", "Unsqueeze")
"""Operators whose results are token ids when their first input is."""


def with_matrices(model: onnx.ModelProto, body: str, vocabulary: int) -> onnx.ModelProto:
    """The graph with a MatMul for each weight matrix, and with names of embedding and head.

    `body` is the module path of the model without its head. Matrices of modules outside it, or in
    its pooler, belong to the head, whose bits a recipe gives separately. `vocabulary` is the number
    of rows of the word embedding.
    """
    for index, node in enumerate(model.graph.node):
        node.name = node.name or f"node.{index}"
    _name_embedding(model, vocabulary)
    tensors = {
        name: tensor
        for name, tensor in initializers(model).items()
        if tensor.data_type == TensorProto.FLOAT and len(tensor.dims) > 1
    }
    replaced: dict[str, list[onnx.NodeProto]] = {}
    added: dict[str, np.ndarray] = {}
    for node in model.graph.node:
        rewrite = REWRITES.get(node.op_type)
        if rewrite is None or len(node.input) < 2 or node.input[1] not in tensors:
            continue
        weight = numpy_helper.to_array(tensors[node.input[1]])
        found = rewrite(node, weight, added)
        if found is not None:
            replaced[node.name] = found
    result = replace(model, replaced, added)
    for node in result.graph.node:
        if node.op_type == "MatMul" and _in_head(node.name, body):
            node.name = f"{HEAD}{node.name}"
    return result


def _gemm(
    node: onnx.NodeProto, weight: np.ndarray, added: dict[str, np.ndarray]
) -> list[onnx.NodeProto] | None:
    at = _attributes(node)
    if at.get("transA") or (at.get("alpha", 1.0), at.get("beta", 1.0)) != (1.0, 1.0):
        return None
    name = _store(added, node.input[1], weight.T if at.get("transB") else weight)
    return _linear(node, node.input[0], name, node.input[2:3])


def _einsum(
    node: onnx.NodeProto, weight: np.ndarray, added: dict[str, np.ndarray]
) -> list[onnx.NodeProto] | None:
    """x [prefix, contracted] and a weight of the contracted and new axes -> [prefix, new]."""
    inputs, output = _attributes(node)["equation"].decode().replace(" ", "").split("->")
    left, right = inputs.split(",")
    old = [axis for axis in left if axis in right and axis not in output]
    new = [axis for axis in output if axis not in left]
    prefix = left[: len(left) - len(old)]
    if (
        not (old and new)
        or left != prefix + "".join(old)
        or output != prefix + "".join(new)
        or sorted(right) != sorted(old + new)
    ):
        return None
    ordered = weight.transpose([right.index(axis) for axis in old + new])
    rows, columns = ordered.shape[: len(old)], ordered.shape[len(old) :]
    name = _store(added, node.input[1], ordered.reshape(prod(rows), prod(columns)), "".join(old))
    x, product = node.input[0], node.output[0]
    nodes: list[onnx.NodeProto] = []
    if len(rows) > 1:
        shape = _shape(added, [0] * len(prefix) + [prod(rows)])
        x = f"{node.name}.flat"
        nodes.append(helper.make_node("Reshape", [node.input[0], shape], [x], name=x))
    if len(columns) > 1:
        product = f"{node.name}.product"
    nodes.append(helper.make_node("MatMul", [x, name], [product], name=node.name))
    if len(columns) > 1:
        shape = _shape(added, [0] * len(prefix) + list(columns))
        last = f"{node.name}.axes"
        nodes.append(helper.make_node("Reshape", [product, shape], node.output, name=last))
    return nodes


def _conv(
    node: onnx.NodeProto, weight: np.ndarray, added: dict[str, np.ndarray]
) -> list[onnx.NodeProto] | None:
    """A Conv over single tokens, x [batch, inputs, tokens]: a MatMul between two Transposes."""
    at = _attributes(node)
    if (
        weight.ndim != 3
        or weight.shape[2] != 1
        or at.get("group", 1) != 1
        or list(at.get("strides", [1])) != [1]
        or any(at.get("pads", []))
    ):
        return None
    name = _store(added, node.input[1], weight[:, :, 0].T)
    x, product = f"{node.name}.tokens", f"{node.name}.product"
    inner = helper.make_node("Conv", [], [product], name=node.name)
    return [
        helper.make_node("Transpose", [node.input[0]], [x], name=x, perm=[0, 2, 1]),
        *_linear(inner, x, name, node.input[2:3]),
        helper.make_node(
            "Transpose", [product], node.output, name=f"{node.name}.channels", perm=[0, 2, 1]
        ),
    ]


Rewrite = Callable[[onnx.NodeProto, np.ndarray, dict[str, np.ndarray]], list[onnx.NodeProto] | None]
REWRITES: Mapping[str, Rewrite] = {"Gemm": _gemm, "Einsum": _einsum, "Conv": _conv}
"""By operator: the nodes that replace one with a constant weight; None leaves it as it is."""


def _linear(node: onnx.NodeProto, x: str, weight: str, bias: list[str]) -> list[onnx.NodeProto]:
    """The output of `node` as the product of `x` and `weight`, with the bias if there is one."""
    if not any(bias):
        return [helper.make_node("MatMul", [x, weight], node.output, name=node.name)]
    product = f"{node.name}.unbiased"
    return [
        helper.make_node("MatMul", [x, weight], [product], name=node.name),
        helper.make_node("Add", [product, *bias], node.output, name=f"{node.name}.bias"),
    ]


def _store(added: dict[str, np.ndarray], name: str, matrix: np.ndarray, form: str = "") -> str:
    """Add the matrix of a weight; nodes that share the weight share the matrix."""
    stored = f"{name}.matrix{form}"
    added[stored] = np.ascontiguousarray(matrix)
    return stored


def _shape(added: dict[str, np.ndarray], sizes: list[int]) -> str:
    name = f"shape.{'.'.join(map(str, sizes))}"
    added[name] = np.array(sizes, dtype=np.int64)
    return name


def _attributes(node: onnx.NodeProto) -> dict[str, Any]:
    return {each.name: helper.get_attribute_value(each) for each in node.attribute}


def _in_head(node: str, body: str) -> bool:
    """Whether a node, which torch names by its module, is outside the body or in its pooler.

    >>> _in_head("/model/bert/pooler/dense/Gemm", "bert")
    True
    >>> _in_head("/model/bert/encoder/layer.0/output/dense/MatMul", "bert")
    False
    """
    modules = node.strip("/").split("/")
    if len(modules) < 2 or modules[0] != "model":
        return False
    return modules[1] != body or "pooler" in node


def _name_embedding(model: onnx.ModelProto, vocabulary: int) -> None:
    """Name the table `EMBEDDING` that is looked up by the token ids of the text, in place."""
    tensors = initializers(model)
    ids = {"input_ids"}
    for node in model.graph.node:
        if node.op_type in SAME_IDS and node.input[0] in ids:
            ids.add(node.output[0])
    old = next(
        (
            node.input[0]
            for node in model.graph.node
            if node.op_type == "Gather"
            and node.input[1] in ids
            and node.input[0] in tensors
            and tensors[node.input[0]].dims[0] == vocabulary
        ),
        None,
    )
    if old is None:
        return
    for node in model.graph.node:
        for place, name in enumerate(node.input):
            if name == old:
                node.input[place] = EMBEDDING
    tensors[old].name = EMBEDDING
