"""SmoothQuant against its formula: the function stays, activations get smoother, and alpha 0 is the
identity.
"""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator

from paretoscope.graphs.export import export
from paretoscope.graphs.graph import Graph, initializers, matrices
from paretoscope.models.checkpoint import load_model
from paretoscope.quantization.calibration.observe import observe
from paretoscope.quantization.quantize import apply
from paretoscope.quantization.smoothquant import factors, smoothquant
from paretoscope.recipes.stages import Quantize
from tests.quantization.places import logits, split_context
from tests.tiny.factory import make_tiny

LOUD = 3
"""A channel that every norm of the test's model makes large."""


@pytest.fixture(scope="module")
def graph(tmp_path_factory: pytest.TempPathFactory) -> onnx.ModelProto:
    """A tiny BERT with zeros in every encoder matrix, and after the encoder's norms a loud channel
    that meets small weights.
    """
    model = load_model(make_tiny("bert", tmp_path_factory.mktemp("tiny")))
    for name, parameter in model.named_parameters():
        if parameter.ndim == 2 and "encoder" in name:
            parameter.data[:, ::4] = 0
            parameter.data[:, LOUD] /= 30
        if (
            name.endswith("LayerNorm.weight") and "layer.1.output" not in name
        ):  # the last one is the head's
            parameter.data[LOUD] = 30
    return export(model)[0]


@pytest.fixture(scope="module")
def peaks(graph: onnx.ModelProto) -> dict[str, np.ndarray]:
    return {name: seen.peaks for name, seen in observe(graph, split_context(), 4).items()}


def test_factors_are_the_papers() -> None:
    random = np.random.default_rng(0)
    peaks, weights = (
        random.uniform(0.1, 9, size=8),
        [random.normal(size=(8, 5)), random.normal(size=(8, 3))],
    )
    for alpha in (0.25, 0.5, 1.0):
        expected = [
            peaks[j] ** alpha / max(abs(w) for weight in weights for w in weight[j]) ** (1 - alpha)
            for j in range(8)
        ]
        np.testing.assert_allclose(factors(peaks, weights, alpha), expected, rtol=1e-6)


@pytest.mark.parametrize("alpha", [0.3, 0.5, 0.9])
def test_the_function_stays_the_same(
    graph: onnx.ModelProto, peaks: dict[str, np.ndarray], alpha: float
) -> None:
    smoothed = smoothquant(graph, peaks, alpha)
    assert smoothed.SerializeToString() != graph.SerializeToString()
    np.testing.assert_allclose(logits(smoothed), logits(graph), rtol=1e-4, atol=1e-4)


def test_channels_come_closer_together(
    graph: onnx.ModelProto, peaks: dict[str, np.ndarray]
) -> None:
    after = {
        matrix.name: matrix.node.input[0] for matrix in matrices(smoothquant(graph, peaks, 0.5))
    }
    seen = observe(smoothquant(graph, peaks, 0.5), split_context(), 4)
    for matrix in matrices(graph):
        if matrix.name.endswith(("qkv", "ffn.in")):
            before, now = peaks[matrix.node.input[0]], seen[after[matrix.name]].peaks
            assert now.max() / np.median(now) < before.max() / np.median(before) / 2
            used = np.abs(matrix.weight).max(axis=1) > 0
            expected = np.sqrt(
                before * np.abs(matrix.weight).max(axis=1)
            )  # at alpha 1/2 both sides meet in the middle
            np.testing.assert_allclose(now[used], expected[used], rtol=1e-4)


def test_alpha_0_is_the_identity(graph: onnx.ModelProto, peaks: dict[str, np.ndarray]) -> None:
    assert smoothquant(graph, peaks, 0) == graph


def test_zeros_stay_zero_and_the_model_is_left_alone(
    graph: onnx.ModelProto, peaks: dict[str, np.ndarray]
) -> None:
    before = graph.SerializeToString()
    smoothed = {matrix.name: matrix.weight for matrix in matrices(smoothquant(graph, peaks, 0.5))}
    for matrix in matrices(graph):
        np.testing.assert_array_equal(smoothed[matrix.name] == 0, matrix.weight == 0)
    assert graph.SerializeToString() == before


@pytest.mark.parametrize("scheme", ["int8-dynamic", "int8-static"])
def test_int8_errs_less_where_a_channel_is_loud(graph: onnx.ModelProto, scheme: str) -> None:
    def error(alpha: float) -> float:
        stage = Quantize.model_validate(
            {"scheme": scheme, "smooth": alpha, "embedding_bits": 32, "head_bits": 32}
        )
        return float(np.abs(logits(apply(stage, graph, split_context())) - logits(graph)).mean())

    assert error(0.5) < error(0) / 2


def test_a_norm_that_nothing_else_reads_takes_the_division() -> None:
    """Pre-norm: x + matrix(norm(x)). No node is added, and the function stays."""
    random = np.random.default_rng(0)
    builder = Graph()
    norm = [
        builder.constant(name, random.normal(size=8).astype(np.float32))
        for name in ("scale", "bias")
    ]
    normed = builder.node("LayerNormalization", ["x", *norm], "normed", axis=-1)
    product = builder.node(
        "MatMul",
        [normed, builder.constant("layer.0.qkv", random.normal(size=(8, 8)).astype(np.float32))],
        "product",
    )
    builder.node("Add", ["x", product], "y")
    values = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [2, 8]) for name in ("x", "y")]
    tensors = [numpy_helper.from_array(value, name) for name, value in builder.initializers.items()]
    model = helper.make_model(
        helper.make_graph(builder.nodes, "pre-norm", values[:1], values[1:], tensors)
    )
    peaks = {"normed": np.array([20.0, 1, 1, 1, 1, 1, 1, 0.1])}
    smoothed = smoothquant(model, peaks, 0.5)
    assert [node.op_type for node in smoothed.graph.node] == [
        node.op_type for node in model.graph.node
    ]
    changed = {
        name
        for name, tensor in initializers(smoothed).items()
        if tensor != initializers(model)[name]
    }
    assert changed == {"scale", "bias", "layer.0.qkv"}
    x = random.normal(size=(2, 8)).astype(np.float32)
    ours, theirs = (
        np.asarray(ReferenceEvaluator(each).run(None, {"x": x})) for each in (smoothed, model)
    )
    np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-5)
