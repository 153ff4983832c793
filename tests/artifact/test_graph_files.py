"""Graphs of every kind have what a viewer such as Netron needs, and their operators are counted."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import onnx
import pytest

from paretoscope.artifact.operators import operators
from paretoscope.graphs.decoder import assemble_decoder
from paretoscope.graphs.export import export
from paretoscope.graphs.graph import payload_bytes
from paretoscope.graphs.trace import trace
from paretoscope.models.checkpoint import load_model
from paretoscope.quantization.embedding import quantize_embedding
from paretoscope.quantization.int8 import quantize_dynamic
from tests.tiny.decoders import tiny_decoder
from tests.tiny.factory import make_tiny


def encoder(folder: Path) -> onnx.ModelProto:
    return export(load_model(make_tiny("bert", folder / "bert")))[0]


def quantized(folder: Path) -> onnx.ModelProto:
    return quantize_embedding(quantize_dynamic(encoder(folder), head=True), 4)


def traced(folder: Path) -> onnx.ModelProto:
    return trace(load_model(make_tiny("electra", folder / "electra")))


def decoder(_: Path) -> onnx.ModelProto:
    return assemble_decoder(tiny_decoder("llama", 300))


@pytest.mark.parametrize("make", [encoder, quantized, traced, decoder])
def test_a_viewer_finds_names_and_types(
    make: Callable[[Path], onnx.ModelProto], tmp_path: Path
) -> None:
    model = make(tmp_path)
    graph = model.graph
    names = [node.name for node in graph.node]
    assert all(names)
    assert len(set(names)) == len(names)
    made = [name for node in graph.node for name in node.output if name]
    assert len(set(made)) == len(made)
    known = {*made, *(each.name for each in (*graph.input, *graph.initializer))}
    assert {name for node in graph.node for name in node.input if name} <= known
    for value in (*graph.input, *graph.output):
        tensor = value.type.tensor_type
        assert tensor.elem_type
        assert all(side.dim_param or side.dim_value for side in tensor.shape.dim)
    assert {value.name for value in graph.value_info} <= known
    table = operators(model)
    assert table.weight_bytes == payload_bytes(model)
    assert sum(row.count for row in table.rows) == len(graph.node)
