"""Graphs against torch: every family, pruned shapes, padding, lengths; assembled and traced."""

from __future__ import annotations

from pathlib import Path

import onnx
import onnxruntime
import pytest
import torch

from paretoscope.errors import ArtifactError
from paretoscope.graphs import export as export_module
from paretoscope.graphs.encoder import assemble, can_assemble
from paretoscope.graphs.export import TOLERANCE, export
from paretoscope.graphs.export_classifier import answered, difference
from paretoscope.graphs.trace import trace
from paretoscope.models.checkpoint import load_model
from paretoscope.models.encoder.anatomy import anatomy
from paretoscope.models.modules.slicing import resize_linear
from tests.tiny.encoders import FAMILIES
from tests.tiny.factory import make_tiny


@pytest.mark.parametrize("family", FAMILIES)
def test_assembled_graphs_answer_as_torch_does(family: str, tmp_path: Path) -> None:
    model = load_model(make_tiny(family, tmp_path / family, layers=3))
    assert can_assemble(model.config)
    graph, difference = export(model)
    assert difference < 1e-5 < TOLERANCE
    onnx.checker.check_model(graph)


@pytest.mark.parametrize("family", FAMILIES)
def test_traced_graphs_answer_as_torch_does(family: str, tmp_path: Path) -> None:
    model = load_model(make_tiny(family, tmp_path / family))
    probes = answered(model)
    assert difference(trace(model), probes) < 1e-5


@pytest.mark.parametrize("family", FAMILIES)
def test_pruned_shapes_are_exported_as_they_are(family: str, tmp_path: Path) -> None:
    model = load_model(make_tiny(family, tmp_path / family))
    layer = anatomy(model).layers[0]
    one_head, narrow = layer.head_size, 8
    hidden = model.config.hidden_size
    sizes = {
        **dict.fromkeys((layer.query, layer.key, layer.value), (one_head, hidden)),
        layer.output: (hidden, one_head),
        layer.ffn_in: (narrow, hidden),
        layer.ffn_out: (hidden, narrow),
    }
    for name, (outputs, inputs) in sizes.items():
        linear = model.get_submodule(name)
        assert isinstance(linear, torch.nn.Linear)
        resize_linear(linear, outputs, inputs)
    with torch.no_grad():
        for name in layer.linears:
            for parameter in model.get_submodule(name).parameters():
                parameter.normal_(std=0.2)
    graph, difference = export(model)
    assert difference < 1e-5
    shapes = {tensor.name: tuple(tensor.dims) for tensor in graph.graph.initializer}
    assert shapes["layer.0.qkv"] == (hidden, 3 * one_head)
    assert shapes["layer.0.ffn.in"] == (hidden, narrow)


def test_the_graph_is_fused(tmp_path: Path) -> None:
    graph = assemble(load_model(make_tiny("bert", tmp_path / "bert", layers=3)))
    operators = [node.op_type for node in graph.graph.node]
    assert operators.count("MultiHeadAttention") == 3
    assert operators.count("Sum") == 6 and operators.count("LayerNormalization") == 7
    assert operators.count("BiasGelu") == 3
    assert operators.count("MatMul") == 4 * 3 + 2


def test_a_graph_that_answers_otherwise_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = load_model(make_tiny("bert", tmp_path / "bert"))
    other = assemble(load_model(make_tiny("bert", tmp_path / "other", layers=1)))
    monkeypatch.setattr(export_module, "assemble", lambda model: other)
    with pytest.raises(ArtifactError, match="differs from torch"):
        export(model)


def test_a_text_longer_than_the_position_table_is_refused_by_the_runtime(tmp_path: Path) -> None:
    model = load_model(make_tiny("bert", tmp_path / "bert"))
    session = onnxruntime.InferenceSession(
        assemble(model).SerializeToString(), providers=["CPUExecutionProvider"]
    )
    ids = torch.full((1, model.config.max_position_embeddings + 3), 7).numpy()
    with pytest.raises(Exception, match=r"(?i)broadcast|dimension"):
        session.run(None, {"input_ids": ids, "attention_mask": ids * 0 + 1})
