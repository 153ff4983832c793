"""The table of operators: every byte once, at the operator that uses it, in its precision."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from paretoscope.artifact.operators import OperatorRow, operators, read_operators
from paretoscope.errors import ArtifactError
from paretoscope.graphs.graph import MICROSOFT, Graph


def shared_table() -> onnx.ModelProto:
    """A table of 4-bit codes that a lookup and a product read, with scales behind a Cast."""
    graph = Graph()
    codes = graph.constant("codes", np.zeros((64, 2, 16), dtype=np.uint8))
    scales = graph.node(
        "Cast", [graph.constant("scales", np.ones(128, dtype=np.float16))], "wide", to=1
    )
    rows = graph.node("Flatten", [codes], "rows", axis=1)
    x = graph.node(
        "GatherBlockQuantized", [rows, "input_ids", scales], "x", domain=MICROSOFT, bits=4
    )
    y = graph.node("MatMulNBits", [x, codes, scales], "y", domain=MICROSOFT, bits=4)
    shape = graph.constant("shape", np.array([-1, 64]))
    z = graph.node("Reshape", [y, shape], "z")
    graph.node("Add", [z, graph.constant("bias", np.ones(64, dtype=np.float32))], "logits")
    return graph.classifier(64)


def test_a_tensor_counts_once_where_it_is_used() -> None:
    table = operators(shared_table())
    lookup, bias, shape, *rest = table.rows
    codes, scales = 64 * 2 * 16, 128 * 2
    total = codes + scales + 64 * 4 + 2 * 8
    assert lookup == OperatorRow(
        "GatherBlockQuantized",
        MICROSOFT,
        "4-bit",
        1,
        codes + scales,
        (codes + scales) / total,
    )
    assert (bias.operator, bias.precision, bias.weight_bytes) == ("Add", "float32", 256)
    assert (shape.operator, shape.precision, shape.weight_bytes) == ("Reshape", "", 16)
    assert {row.operator for row in rest} == {"Cast", "Flatten", "MatMulNBits"}
    assert all(row.weight_bytes == 0 for row in rest)
    assert (table.weight_bytes, table.nodes) == (total, 6)
    assert sum(row.share for row in table.rows) == pytest.approx(1)


def test_one_operator_in_two_precisions_is_two_rows() -> None:
    graph = Graph()
    x = graph.node("Cast", ["input_ids"], "x", to=1)
    for name, kind in (("a", np.float32), ("b", np.float16)):
        x = graph.node("MatMul", [x, graph.constant(f"w.{name}", np.ones((4, 4), kind))], name)
    found = {row.precision: row for row in operators(graph.classifier(4)).rows if row.weight_bytes}
    assert {name: row.weight_bytes for name, row in found.items()} == {"float32": 64, "float16": 32}


def test_graphs_within_nodes_count_too() -> None:
    weight = numpy_helper.from_array(np.ones((2, 2), dtype=np.float32), "inner")
    value = helper.make_tensor_value_info("out", TensorProto.FLOAT, [2, 2])
    branch = helper.make_graph(
        [helper.make_node("Add", ["inner", "inner"], ["out"])], "branch", [], [value], [weight]
    )
    node = helper.make_node("If", ["yes"], ["out"], then_branch=branch, else_branch=branch)
    yes = helper.make_tensor_value_info("yes", TensorProto.BOOL, [])
    model = helper.make_model(helper.make_graph([node], "outer", [yes], [value]))
    found = {row.operator: row for row in operators(model).rows}
    assert found["Add"].count == 2
    assert found["Add"].weight_bytes == 2 * 16


def test_weights_beside_the_file_are_counted_without_reading_them(tmp_path: Path) -> None:
    model = shared_table()
    inside = operators(model)
    onnx.save(
        model, tmp_path / "model.onnx", save_as_external_data=True, location="d", size_threshold=0
    )
    (tmp_path / "d").unlink()
    assert read_operators(tmp_path) == inside


def test_a_folder_without_a_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match="paretoscope export"):
        read_operators(tmp_path)
    (tmp_path / "model.onnx").write_bytes(b"no protobuf at all")
    with pytest.raises(ArtifactError, match="not an ONNX model"):
        read_operators(tmp_path)


def test_the_table_loads_neither_torch_nor_a_runtime() -> None:
    code = "import sys, paretoscope.artifact.operators; print(*sys.modules)"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"torch", "transformers", "onnxruntime", "streamlit"} & set(ran.stdout.split())
