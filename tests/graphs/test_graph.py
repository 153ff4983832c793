"""Copies of a graph: what is replaced, what is left out, what stays as it was."""

from __future__ import annotations

import numpy as np
import onnx
from onnx import helper

from paretoscope.graphs.graph import Graph, initializers, replace, with_outputs


def small_graph() -> onnx.ModelProto:
    graph = Graph()
    x = graph.node("Cast", ["input_ids"], "x", to=onnx.TensorProto.FLOAT)
    summed = graph.node("Add", [x, graph.constant("shift", np.ones(1, dtype=np.float32))], "summed")
    graph.node("Mul", [summed, graph.constant("scale", np.ones(1, dtype=np.float32))], "logits")
    return graph.classifier(1)


def test_a_replaced_node_takes_its_constant_with_it_and_the_rest_stays() -> None:
    before = small_graph()
    before.ir_version = 8  # as a traced graph may have
    node = helper.make_node("Sub", ["x", "other"], ["summed"], name="summed")
    after = replace(before, {"summed": [node]}, {"other": np.zeros(1, dtype=np.float32)})
    onnx.checker.check_model(after)
    assert [each.op_type for each in after.graph.node] == ["Cast", "Sub", "Mul"]
    assert set(initializers(after)) == {"scale", "other"}
    assert (after.ir_version, list(after.graph.input), list(after.graph.output)) == (
        8,
        list(before.graph.input),
        list(before.graph.output),
    )
    assert set(initializers(before)) == {"shift", "scale"}


def test_outputs_are_the_named_values_in_that_order() -> None:
    before = small_graph()
    assert [value.name for value in with_outputs(before, ["summed", "x"]).graph.output] == [
        "summed",
        "x",
    ]
    assert [value.name for value in before.graph.output] == ["logits"]
