"""The quantize stage on whole graphs: sizes as promised, zeros kept, answers close, the identity
where nothing is asked.
"""

from __future__ import annotations

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import numpy_helper

from paretoscope.graphs.export import export
from paretoscope.graphs.graph import EMBEDDING, initializers, matrices, payload_bytes
from paretoscope.graphs.theoretical import theoretical_bytes
from paretoscope.models.checkpoint import load_model
from paretoscope.quantization.calibration.observe import activation_ranges
from paretoscope.quantization.quantize import apply
from paretoscope.quantization.rounding.quantizer import Quantizer
from paretoscope.quantization.widths import encoder_widths
from paretoscope.recipes.context import EncodedSplit, StageContext
from paretoscope.recipes.stages import Quantize
from tests.quantization.sessions import exact_session
from tests.tiny.factory import make_tiny

TEXTS = [
    np.random.default_rng(seed).integers(5, 40, size=length)
    for seed, length in enumerate((4, 9, 9, 13))
]
SCHEMES = [
    Quantize(),
    Quantize(scheme="int8-static"),
    Quantize(scheme="int8-static", calibration="mse"),
    Quantize(scheme="weight-only"),
    Quantize(scheme="weight-only", bits=4, embedding_bits=4),
    Quantize(scheme="weight-only", bits=2, embedding_bits=2, group_size=16),
    Quantize(scheme="weight-only", bits=4, rounding="gptq"),
    Quantize(scheme="weight-only", bits=4, rounding="awq"),
    Quantize(scheme="weight-only", bits=4, rounding="hqq", embedding_bits=4),
    Quantize(
        scheme="weight-only", bits=3, rounding="gptq", group_size=16, allocation="sensitivity"
    ),
]


@pytest.fixture(scope="module")
def graph(tmp_path_factory: pytest.TempPathFactory) -> onnx.ModelProto:
    """A tiny BERT of which half of every encoder matrix is zero."""
    model = load_model(make_tiny("bert", tmp_path_factory.mktemp("tiny")))
    for name, parameter in model.named_parameters():
        if parameter.ndim == 2 and "encoder" in name:
            parameter.data[:, ::2] = 0
    return export(model)[0]


@pytest.fixture
def context() -> StageContext:
    split = EncodedSplit(list(TEXTS), np.zeros(len(TEXTS), dtype=np.int64), "calibration")
    return StageContext(
        0, ("a", "b"), lambda name: split, lambda *_, **__: None, lambda key, make: make()
    )


def logits(model: onnx.ModelProto) -> np.ndarray:
    session = exact_session(model)
    return np.concatenate([_first_output(session, ids) for ids in TEXTS])


def _first_output(session: onnxruntime.InferenceSession, ids: np.ndarray) -> np.ndarray:
    return np.asarray(
        session.run(None, {"input_ids": ids[None], "attention_mask": np.ones_like(ids[None])})[0]
    )


@pytest.mark.parametrize("stage", SCHEMES, ids=lambda stage: stage.in_words())
def test_answers_stay_close(graph: onnx.ModelProto, context: StageContext, stage: Quantize) -> None:
    difference = np.abs(logits(apply(stage, graph, context)) - logits(graph)).mean()
    assert 0 < difference < (0.1 if stage.bits == 8 else 1.5)


@pytest.mark.parametrize("stage", SCHEMES, ids=lambda stage: stage.in_words())
def test_nothing_large_is_left_in_floats(
    graph: onnx.ModelProto, context: StageContext, stage: Quantize
) -> None:
    quantized = apply(stage, graph, context)
    assert not list(matrices(quantized))
    assert EMBEDDING not in initializers(quantized)
    assert payload_bytes(quantized) < payload_bytes(graph) / 2


@pytest.mark.parametrize("stage", SCHEMES, ids=lambda stage: stage.in_words())
def test_pruned_weights_are_zero_in_the_file(
    graph: onnx.ModelProto, context: StageContext, stage: Quantize
) -> None:
    quantized = apply(stage, graph, context)
    tensors = {
        name: numpy_helper.to_array(tensor) for name, tensor in initializers(quantized).items()
    }
    for matrix in matrices(graph):
        if matrix.in_head:
            continue
        zero = matrix.weight == 0
        assert zero.mean() >= 0.5
        if stage.scheme != "weight-only":
            assert (tensors[f"{matrix.name}.int8"][zero] == 0).all()
            continue
        bits = _bits(quantized, matrix.name)
        codes, points = _unpacked(
            tensors, matrix.name, bits, stage.group_size, matrix.weight.shape[0]
        )
        assert (codes == points)[zero.T].all()


def _bits(quantized: onnx.ModelProto, name: str) -> int:
    node = next(
        node
        for node in quantized.graph.node
        if len(node.input) > 1 and node.input[1] == f"{name}.codes"
    )
    return next(attribute.i for attribute in node.attribute if attribute.name == "bits")


def _unpacked(
    tensors: dict[str, np.ndarray], name: str, bits: int, group_size: int, inputs: int
) -> tuple[np.ndarray, np.ndarray]:
    """Codes and zero points, both [outputs, inputs]."""

    def unpack(packed: np.ndarray) -> np.ndarray:
        return np.stack(
            [(packed >> (bits * place)) & (2**bits - 1) for place in range(8 // bits)], axis=-1
        ).reshape(len(packed), -1)

    codes = unpack(tensors[f"{name}.codes"])[:, :inputs]
    groups = tensors[f"{name}.scales"].shape[1]
    stored = tensors.get(f"{name}.zero_points")
    points = (
        np.full((len(codes), groups), 2 ** (bits - 1))
        if stored is None
        else unpack(stored)[:, :groups]
    )
    return codes, np.repeat(points, group_size, axis=1)[:, :inputs]


def test_32_bits_leave_embedding_and_head_alone(
    graph: onnx.ModelProto, context: StageContext
) -> None:
    quantized = apply(Quantize(embedding_bits=32, head_bits=32), graph, context)
    assert EMBEDDING in initializers(quantized)
    assert {matrix.name for matrix in matrices(quantized)} == {
        matrix.name for matrix in matrices(graph) if matrix.in_head
    }


def test_an_average_between_widths_is_met_from_below(
    graph: onnx.ModelProto, context: StageContext
) -> None:
    encoder = [matrix for matrix in matrices(graph) if not matrix.in_head]
    for average in (2.5, 3.0, 4.5, 6.0, 7.5):
        widths = encoder_widths(
            graph, Quantizer(Quantize(scheme="weight-only", bits=average, group_size=16)), context
        )
        spent = sum(widths[matrix.name] * matrix.weight.size for matrix in encoder) / sum(
            matrix.weight.size for matrix in encoder
        )
        assert average - 1 < spent <= average
        assert set(widths.values()) <= {2, 4, 8}


def test_calibration_finds_the_range_of_every_activation(
    graph: onnx.ModelProto, context: StageContext
) -> None:
    ranges = activation_ranges(graph, context, examples=len(TEXTS))
    assert set(ranges) == {matrix.node.input[0] for matrix in matrices(graph)}
    observed = onnx.ModelProto()
    observed.CopyFrom(graph)
    del observed.graph.output[:]
    observed.graph.output.append(
        onnx.helper.make_tensor_value_info("embedding.normed", onnx.TensorProto.FLOAT, None)
    )
    session = onnxruntime.InferenceSession(
        observed.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    values = [_first_output(session, ids) for ids in TEXTS]
    expected = (min(v.min() for v in values), max(v.max() for v in values))
    assert ranges["embedding.normed"] == pytest.approx(expected, rel=1e-5)


def test_theoretical_size_leaves_out_pruned_weights_at_their_bits(
    graph: onnx.ModelProto, context: StageContext
) -> None:
    zeros = sum(int((matrix.weight == 0).sum()) for matrix in matrices(graph))
    assert theoretical_bytes(graph, graph) == payload_bytes(graph) - 4 * zeros
    int8 = apply(Quantize(), graph, context)
    assert theoretical_bytes(graph, int8) == payload_bytes(int8) - zeros
    four = apply(Quantize(scheme="weight-only", bits=4, head_bits=4), graph, context)
    assert theoretical_bytes(graph, four) == payload_bytes(four) - zeros // 2


def test_quantizing_leaves_the_original_as_it_was(
    graph: onnx.ModelProto, context: StageContext
) -> None:
    before = graph.SerializeToString()
    apply(Quantize(), graph, context)
    assert graph.SerializeToString() == before
