"""Fused int8 operators compute what the single ones do, in every family and with pruned heads."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import onnx
import pytest

from paretoscope.graphs.export import export
from paretoscope.graphs.graph import matrices
from paretoscope.models.checkpoint import load_model
from paretoscope.pruning import structure
from paretoscope.quantization.fuse import BIAS_INPUT, fuse
from paretoscope.quantization.int8 import quantize_dynamic, quantize_static
from paretoscope.recipes.stages import PruneStructure
from tests.quantization.places import graph_of, logits
from tests.tiny.context import Recorder
from tests.tiny.encoders import FAMILIES
from tests.tiny.factory import make_tiny


def int8(graph: onnx.ModelProto, scheme: str) -> onnx.ModelProto:
    if scheme == "dynamic":
        return quantize_dynamic(graph, head=True)
    return quantize_static(
        graph, {matrix.node.input[0]: (-6.0, 6.0) for matrix in matrices(graph)}, head=True
    )


@pytest.mark.parametrize("scheme", ["dynamic", "static"])
@pytest.mark.parametrize("family", FAMILIES)
def test_answers_are_the_same(family: str, scheme: str, tmp_path: Path) -> None:
    plain = int8(graph_of(family, tmp_path), scheme)
    fused = fuse(plain)
    np.testing.assert_allclose(logits(fused), logits(plain), atol=2e-3)
    operators = Counter(node.op_type for node in fused.graph.node)
    assert operators["QAttention"] == 2
    assert not operators.keys() & {"MultiHeadAttention", "BiasGelu", "Split"}
    for node in fused.graph.node:
        if node.op_type in BIAS_INPUT:
            assert len(node.input) == BIAS_INPUT[node.op_type] + 1 and node.input[-1].endswith(
                ".bias"
            )


@pytest.mark.parametrize("scheme", ["dynamic", "static"])
def test_attention_may_have_fewer_heads(scheme: str, tmp_path: Path) -> None:
    model = load_model(make_tiny("bert", tmp_path))
    graph = export(
        structure.apply(PruneStructure(target="heads", ratio=0.5), model, Recorder().context())
    )[0]
    plain = int8(graph, scheme)
    np.testing.assert_allclose(logits(fuse(plain)), logits(plain), atol=2e-3)


def test_a_graph_without_integers_is_left_as_it_is(tmp_path: Path) -> None:
    graph = graph_of("bert", tmp_path)
    assert list(fuse(graph).graph.node) == list(graph.graph.node)


def test_a_product_that_two_read_keeps_its_bias_outside(tmp_path: Path) -> None:
    plain = int8(graph_of("bert", tmp_path), "dynamic")
    plain.graph.output.append(
        onnx.helper.make_tensor_value_info("layer.0.ffn.in.product", onnx.TensorProto.FLOAT, None)
    )
    kept = next(node for node in fuse(plain).graph.node if node.name == "layer.0.ffn.in.product")
    assert len(kept.input) == 3
