"""A traced graph has its matrices in MatMul nodes, the embedding and the head by name."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from paretoscope.graphs import sessions
from paretoscope.graphs.graph import EMBEDDING, HEAD, embedding, matrices
from paretoscope.graphs.traced_matrices import with_matrices

GENERATOR = np.random.default_rng(0)
X = GENERATOR.normal(size=(2, 3, 6)).astype(np.float32)


def graph_of(node: onnx.NodeProto, weight: np.ndarray, *more: np.ndarray) -> onnx.ModelProto:
    """A graph of one node with the inputs x, weight, more..."""
    tensors = [
        numpy_helper.from_array(np.asarray(value, dtype=np.float32), name)
        for name, value in zip(node.input[1:], (weight, *more), strict=True)
    ]
    graph = helper.make_graph(
        [node],
        "one",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, None)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
        tensors,
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10)


def value(model: onnx.ModelProto, x: np.ndarray) -> np.ndarray:
    return sessions.run(sessions.session(model), ["y"], {"x": x})[0]


def random(*shape: int) -> np.ndarray:
    return GENERATOR.normal(size=shape).astype(np.float32)


def gemm(*names: str, **attributes: Any) -> onnx.NodeProto:
    return helper.make_node("Gemm", ["x", *names], ["y"], **attributes)


def einsum(equation: str) -> onnx.NodeProto:
    return helper.make_node("Einsum", ["x", "w"], ["y"], equation=equation)


CONV = helper.make_node("Conv", ["x", "w", "b"], ["y"])


@pytest.mark.parametrize(
    ("node", "x", "tensors", "shape"),
    [
        (gemm("w", "b", transB=1), X[0], (random(5, 6), random(5)), (6, 5)),
        (gemm("w"), X[0], (random(6, 5),), (6, 5)),
        (einsum("ibh,hnd->ibnd"), X, (random(6, 2, 4),), (6, 8)),
        (einsum("ind,hnd->ih"), random(3, 2, 4), (random(6, 2, 4),), (8, 6)),
        (einsum("ibh,oh->ibo"), X, (random(5, 6),), (6, 5)),
        (CONV, X.transpose(0, 2, 1), (random(4, 6, 1), random(4)), (6, 4)),
    ],
    ids=lambda value: value.op_type if isinstance(value, onnx.NodeProto) else "",
)
def test_a_weight_becomes_a_matrix_of_the_same_function(
    node: onnx.NodeProto, x: np.ndarray, tensors: tuple[np.ndarray, ...], shape: tuple[int, int]
) -> None:
    before = graph_of(node, *tensors)
    after = with_matrices(before, "bert", 0)
    assert [matrix.weight.shape for matrix in matrices(after)] == [shape]
    x = np.ascontiguousarray(x)
    assert np.allclose(value(after, x), value(before, x), atol=1e-5)


@pytest.mark.parametrize(
    ("node", "tensors"),
    [
        (helper.make_node("Einsum", ["x", "w"], ["y"], equation="ibh,bh->ib"), (random(3, 6),)),
        (helper.make_node("Conv", ["x", "w"], ["y"], pads=[1, 1]), (random(4, 3, 3),)),
        (helper.make_node("Conv", ["x", "w"], ["y"], group=3), (random(3, 1, 1),)),
        (helper.make_node("Gemm", ["x", "w"], ["y"], alpha=2.0), (random(6, 5),)),
    ],
    ids=["batched", "wide", "grouped", "scaled"],
)
def test_what_is_no_product_with_a_matrix_stays(
    node: onnx.NodeProto, tensors: tuple[np.ndarray, ...]
) -> None:
    after = with_matrices(graph_of(node, *tensors), "bert", 0)
    assert [each.op_type for each in after.graph.node] == [node.op_type]


def test_the_head_is_what_is_outside_the_body() -> None:
    names = {
        "/model/bert/encoder/layer.0/output/dense/MatMul": False,
        "/model/bert/pooler/dense/MatMul": True,
        "/model/classifier/MatMul": True,
    }
    for name, in_head in names.items():
        node = helper.make_node("MatMul", ["x", "w"], ["y"], name=name)
        (matrix,) = matrices(with_matrices(graph_of(node, random(6, 5)), "bert", 0))
        assert matrix.in_head == in_head == matrix.node.name.startswith(HEAD)


def test_the_embedding_is_found_behind_a_transpose() -> None:
    """As in XLNet, which reads texts as [tokens, batch]."""
    nodes = [
        helper.make_node("Transpose", ["input_ids"], ["ids"], perm=[1, 0]),
        helper.make_node("Gather", ["positions", "ids"], ["p"]),
        helper.make_node("Gather", ["words", "ids"], ["y"]),
    ]
    tables = {"positions": random(7, 4), "words": random(9, 4)}
    graph = helper.make_graph(
        nodes,
        "lookup",
        [helper.make_tensor_value_info("input_ids", TensorProto.INT64, None)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
        [numpy_helper.from_array(table, name) for name, table in tables.items()],
    )
    found = embedding(with_matrices(helper.make_model(graph), "transformer", 9))
    assert found is not None
    assert found[0].input[0] == EMBEDDING and np.array_equal(found[1], tables["words"])
