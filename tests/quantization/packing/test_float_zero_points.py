"""Levels that begin at a group's least weight, against GGUF's own arithmetic and numpy; and tables
whose frequent words have more bits.
"""

from __future__ import annotations

import importlib

import gguf
import numpy as np
import onnx
import onnxruntime
import pytest
from gguf.quants import dequantize, quantize
from onnx import TensorProto, helper

from paretoscope.errors import ArtifactError
from paretoscope.graphs.decoder import assemble_decoder
from paretoscope.graphs.graph import (
    Graph,
    Matrix,
    initializers,
    matrices,
    payload_bytes,
    replace,
    with_all_logits,
    with_outputs,
)
from paretoscope.inference.graph_io import feeds
from paretoscope.quantization.packing.groups import in_groups
from paretoscope.quantization.packing.operators import Packing
from paretoscope.quantization.quantize import apply
from paretoscope.quantization.rounding import hqq, rtn
from paretoscope.recipes.stages import Quantize
from paretoscope.recipes.stages.methods import ROUNDINGS
from tests.quantization.places import TEXTS, split_context
from tests.quantization.rounding.roundings import inputs_of, layer, output_error
from tests.tiny.decoders import tiny_decoder

EVERY = pytest.mark.parametrize("name", list(ROUNDINGS))


def through_gguf(weight: np.ndarray, kind: gguf.GGMLQuantizationType) -> np.ndarray:
    """The weight as it comes out of a GGUF file that keeps it in this type."""
    return dequantize(quantize(weight, kind), kind)


@EVERY
def test_what_came_out_of_a_q4_1_file_comes_back_up_to_the_digits_of_the_shifts(name: str) -> None:
    weight, x = layer(outputs=64, inputs=96)
    stored = through_gguf(weight * np.float32(0.05), gguf.GGMLQuantizationType.Q4_1)
    method = importlib.import_module(ROUNDINGS[name].module)
    real = method.quantize_groups(stored, 4, 32, inputs_of(x).hessian, real=True)
    apart = np.abs(real.dequantized() - stored).reshape(64, 3, 32)
    assert (apart.max(axis=(1, 2)) <= np.abs(real.float_zero_points.values).max(axis=1) / 237).all()
    assert (apart.max(axis=2) / real.scales).mean() < 0.02, "steps"
    integer = rtn.quantize_groups(stored, 4, 32)
    assert (
        np.abs(integer.dequantized() - stored).reshape(64, 3, 32).max(axis=2) / integer.scales
    ).mean() > 0.2, "steps"


def test_what_came_out_of_a_q8_0_file_comes_back_exactly() -> None:
    stored = through_gguf(layer(outputs=64, inputs=96)[0], gguf.GGMLQuantizationType.Q8_0)
    np.testing.assert_array_equal(rtn.quantize_groups(stored, 8, 32).dequantized(), stored)


@pytest.mark.parametrize("name", ["rtn", "gptq", "awq"])
@pytest.mark.parametrize("bits", [2, 4])
def test_a_real_zero_point_errs_less_and_no_rounding_more_than_the_nearest(
    name: str, bits: int
) -> None:
    weight, x = layer(outputs=64, inputs=96)
    weight += np.float32(1)
    method = importlib.import_module(ROUNDINGS[name].module)
    errors = [
        output_error(
            method.quantize_groups(weight, bits, 16, inputs_of(x).hessian, real=real).dequantized(),
            weight,
            x,
        )
        for real in (True, False)
    ]
    assert errors[0] < errors[1]
    assert errors[0] <= output_error(
        rtn.quantize_groups(weight, bits, 16, real=True).dequantized(), weight, x
    ) * (1 + 1e-5)


def test_hqq_fits_the_zero_point_as_published() -> None:
    """The authors' loop (`optimize_weights_proximal`), weights as w * s + z, on groups that have no
    ties.
    """
    grouped = in_groups(np.random.default_rng(0).standard_t(4, size=(8, 64)).astype(np.float32), 32)
    whole = rtn.grid(grouped, 4, real=True)
    step = 1 / whole.scales.astype(np.float64)[..., None]
    low = whole.float_zero_points - whole.scales * whole.zero_points
    zero, beta, found = -low[..., None] * step, 10.0, []
    for _ in range(20):
        code = np.clip(np.rint(grouped * step + zero), 0, 15)
        error = grouped * step - (code - zero)  # in levels, as here
        found.append(((np.abs(error) ** 0.7).sum(axis=-1), -zero[..., 0] / step[..., 0]))
        split = np.sign(error) * np.maximum(np.abs(error) - np.abs(error) ** (0.7 - 1) / beta, 0)
        zero = (code - (grouped * step - split)).mean(axis=-1, keepdims=True)
        beta *= 1.01
    expected = np.take_along_axis(
        np.stack([minimum for _, minimum in found]),
        np.stack([e for e, _ in found]).argmin(axis=0)[None],
        axis=0,
    )[0]
    fitted = hqq.fitted_grid(grouped, 4, real=True)
    np.testing.assert_array_equal(fitted.scales, whole.scales)
    assert (
        np.abs(fitted.float_zero_points - fitted.scales * 8 - expected) < 0.02 * whole.scales
    ).mean() > 0.9  # a weight may go to the other level


@pytest.mark.parametrize("bits", [2, 4])
@pytest.mark.parametrize("inputs", [64, 40])
@pytest.mark.parametrize("shape", [(3,), (2, 3)])
def test_the_graph_multiplies_by_what_the_codes_stand_for(
    bits: int, inputs: int, shape: tuple[int, ...]
) -> None:
    """On whole numbers of which every group, that of the sums too, has one at 127, so that the
    integer kernel rounds nothing.
    """
    generator = np.random.default_rng(2)
    weight = generator.normal(1, 1, size=(8, inputs)).astype(np.float32)
    x = generator.integers(-127, 128, size=(*shape, inputs)).astype(np.float32)
    x[..., 4::2] = -x[..., 5::2]
    x[..., ::32], x[..., 1::32] = 127, -127
    x[..., 2::32], x[..., 3::32] = 60, 67  # which the first group sums up to
    x[..., 35:36] = -73
    groups = rtn.quantize_groups(weight, bits, 32, real=True)
    graph = Graph()
    graph.node("MatMul", ["x", graph.constant("layer", weight.T)], "y")
    ends = (
        helper.make_tensor_value_info(name, TensorProto.FLOAT, [*shape, size])
        for name, size in (("x", inputs), ("y", 8))
    )
    model = graph.model("one matrix", [next(ends)], [next(ends)])
    (matrix,) = matrices(model)
    packing = Packing()
    packing.multiply("x", [packing.store("layer", groups)], matrix.node)
    (got,) = _session(replace(model, {matrix.node.name: packing.consumed()}, packing.added)).run(
        None, {"x": x}
    )
    np.testing.assert_allclose(np.asarray(got), x @ groups.dequantized().T, rtol=1e-5, atol=1e-3)


@pytest.fixture(scope="module")
def tied() -> onnx.ModelProto:
    return assemble_decoder(tiny_decoder("llama", 300, tie_word_embeddings=True))


@pytest.mark.parametrize("zero_point", ["integer", "real"])
@pytest.mark.parametrize("frequent_words", [0, 25])
def test_a_tied_table_is_looked_up_and_multiplied_in_the_same_codes(
    tied: onnx.ModelProto, zero_point: str, frequent_words: int
) -> None:
    """Words stand for the rows that the head multiplies by, in the order of their ids; every
    initializer of 300 or fewer rows is there once.
    """
    stage = _stage(zero_point=zero_point, frequent_words=frequent_words)
    quantized = apply(stage, tied, split_context())
    table = next(matrix for matrix in matrices(tied) if matrix.tied)
    expected = _rows(table, stage)
    ids = np.concatenate(TEXTS)
    assert ids.min() < 25 <= ids.max()
    head = next(node for node in tied.graph.node if node.name == table.node.name)
    names = ["embedding", head.input[0], "logits"]
    session = _session(with_outputs(with_all_logits(quantized), names))
    words, x, logits = (
        np.asarray(value)[0] for value in session.run(None, feeds(session.get_inputs(), ids[None]))
    )
    np.testing.assert_allclose(words, expected[ids], rtol=1e-5, atol=1e-6)
    assert (
        np.abs(logits - x @ expected.T).max() < 0.02 * np.abs(logits).max()
    )  # the kernel rounds x to int8
    rows = sorted(
        tensor.dims[0]
        for name, tensor in initializers(quantized).items()
        if name.endswith(".codes") and name.startswith("embedding")
    )
    assert rows == ([25, 275] if frequent_words else [300])


def test_frequent_words_lie_between_the_two_widths(tied: onnx.ModelProto) -> None:
    sizes = [
        payload_bytes(apply(stage, tied, split_context()))
        for stage in (_stage(), _stage(frequent_words=25), _stage(embedding_bits=8))
    ]
    assert (
        sizes[1] - sizes[0] == 25 * (64 // 2 - 1) + 32
    )  # half a byte a weight more, no zero points, and four constants
    assert sizes[1] < sizes[2]


@pytest.mark.parametrize(
    ("stage", "said"),
    [
        ({"frequent_words": 300}, "the vocabulary has 300 entries"),
        ({"frequent_words": 25, "head_bits": 8}, "the whole table has 8 bits"),
    ],
)
def test_frequent_words_that_cannot_be_told_apart_are_refused(
    tied: onnx.ModelProto, stage: dict[str, int], said: str
) -> None:
    with pytest.raises(ArtifactError, match=said):
        apply(_stage(**stage), tied, split_context())


@pytest.mark.parametrize("frequent_words", [0, 25])
def test_an_embedding_of_its_own_has_frequent_words_too(frequent_words: int) -> None:
    whole = assemble_decoder(tiny_decoder("qwen2", 300, tie_word_embeddings=False))
    quantized = apply(_stage(frequent_words=frequent_words), whole, split_context())
    session = _session(with_outputs(quantized, ["embedding"]))
    ids = np.concatenate(TEXTS)
    got = np.asarray(session.run(None, feeds(session.get_inputs(), ids[None]))[0])[0]
    table = next(
        value
        for name, value in (
            (t.name, onnx.numpy_helper.to_array(t)) for t in whole.graph.initializer
        )
        if name == "embedding.word"
    )
    expected = rtn.quantize_groups(table, 4, 32).dequantized()
    if frequent_words:
        expected[:frequent_words] = rtn.quantize_groups(
            table[:frequent_words], 8, 128
        ).dequantized()
    np.testing.assert_allclose(got, expected[ids], rtol=1e-5, atol=1e-6)


def _stage(**changes: object) -> Quantize:
    return Quantize.model_validate(
        {"scheme": "weight-only", "bits": 4, "embedding_bits": 4, "head_bits": 4, **changes}
    )


def _rows(table: Matrix, stage: Quantize) -> np.ndarray:
    """The words [vocabulary, width] that a rounded table stands for."""
    parts = [
        (table.weight.T[: stage.frequent_words], 8),
        (table.weight.T[stage.frequent_words :], 4),
    ]
    real = stage.zero_point == "real"
    return np.concatenate(
        [
            rtn.quantize_groups(np.ascontiguousarray(rows), bits, 32, real=real).dequantized()
            for rows, bits in parts
            if len(rows)
        ]
    )


def _session(model: onnx.ModelProto) -> onnxruntime.InferenceSession:
    return onnxruntime.InferenceSession(
        model.SerializeToString(), providers=["CPUExecutionProvider"]
    )
