"""Quantization of decoders' graphs: the same stages, with a cache in the graph and a table that may
be embedding and head at once.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Literal

import numpy as np
import onnx
import pytest

from paretoscope.graphs.decoder import assemble_decoder
from paretoscope.graphs.external_data import save_decoder
from paretoscope.graphs.graph import (
    initializers,
    matrices,
    payload_bytes,
    with_all_logits,
    with_outputs,
)
from paretoscope.graphs.theoretical import theoretical_bytes
from paretoscope.inference.graph_io import DATA, MODEL, PAST, feeds, present_of
from paretoscope.quantization.calibration.observe import observe
from paretoscope.quantization.calibration.texts import LENGTH, calibration_texts
from paretoscope.quantization.quantize import apply
from paretoscope.quantization.rescale import rescaled
from paretoscope.quantization.rounding.hessians import input_statistics
from paretoscope.quantization.rounding.quantizer import Quantizer
from paretoscope.quantization.sensitivity import sensitivities
from paretoscope.quantization.widths import widths
from paretoscope.recipes.stages import Quantize
from tests.quantization.places import TEXTS, split_context
from tests.quantization.sessions import exact_session
from tests.tiny.decoders import FAMILIES, tiny_decoder

ROUNDINGS = ("rtn", "gptq", "awq", "hqq")


@pytest.fixture(scope="module")
def graphs() -> Callable[..., onnx.ModelProto]:
    made: dict[str, onnx.ModelProto] = {}

    def graph(family: str, **changes: object) -> onnx.ModelProto:
        key = f"{family}{sorted(changes)}"
        if key not in made:
            made[key] = assemble_decoder(tiny_decoder(family, 300, **changes))
        return made[key]

    return graph


def answers(model: onnx.ModelProto) -> np.ndarray:
    """Logits [tokens, vocabulary] after every token of every text."""
    session = exact_session(with_all_logits(model))
    return np.concatenate(
        [
            np.asarray(session.run(["logits"], feeds(session.get_inputs(), ids[None]))[0])[0]
            for ids in TEXTS
        ]
    )


def distance(model: onnx.ModelProto, whole: onnx.ModelProto) -> float:
    """Root mean square of the difference of logits, relative to their deviation."""
    expected = answers(whole)
    return float(np.sqrt(np.square(answers(model) - expected).mean()) / expected.std())


@pytest.mark.parametrize("family", FAMILIES)
def test_eight_bits_change_little_and_take_a_quarter(
    family: str, graphs: Callable[..., onnx.ModelProto]
) -> None:
    whole = graphs(family)
    stage = Quantize(scheme="weight-only", bits=8, embedding_bits=8, head_bits=8)
    quantized = apply(stage, whole, split_context())
    assert distance(quantized, whole) < 0.1
    assert payload_bytes(quantized) < 0.4 * payload_bytes(whole)
    assert not list(matrices(quantized))
    zeros = sum(
        int((matrix.weight == 0).sum()) for matrix in matrices(whole)
    )  # the word of the padding, in Gemma
    assert theoretical_bytes(whole, quantized) == payload_bytes(quantized) - zeros


@pytest.mark.parametrize("rounding", ROUNDINGS)
@pytest.mark.parametrize("tied", [True, False])
def test_every_rounding_takes_every_matrix(
    rounding: str, tied: bool, graphs: Callable[..., onnx.ModelProto]
) -> None:
    whole = graphs("qwen2", tie_word_embeddings=tied)
    stage = Quantize(scheme="weight-only", bits=4, embedding_bits=4, head_bits=4, rounding=rounding)
    quantized = apply(stage, whole, split_context())
    assert distance(quantized, whole) < 0.6
    assert not list(matrices(quantized))
    lookups = [node for node in quantized.graph.node if node.op_type == "GatherBlockQuantized"]
    assert len(lookups) == 1


@pytest.mark.parametrize("bits", [2, 4, 8])
def test_a_tied_table_is_kept_once_and_looked_up_in_the_codes_of_the_head(
    bits: Literal[2, 4, 8], graphs: Callable[..., onnx.ModelProto]
) -> None:
    whole = graphs("llama", tie_word_embeddings=True)
    quantized = apply(
        Quantize(scheme="weight-only", bits=8, embedding_bits=bits, head_bits=bits),
        whole,
        split_context(),
    )
    tables = {
        name: tensor for name, tensor in initializers(quantized).items() if 300 in tensor.dims
    }
    assert sorted(tables) == sorted(
        f"embedding.word.{part}"
        for part in ("codes", "scales", *(["zero_points"] if bits < 8 else []))
    )
    table = next(matrix for matrix in matrices(whole) if matrix.tied)
    expected = Quantizer(Quantize(scheme="weight-only", bits=8)).groups(table, bits).dequantized()
    looked_up = with_outputs(quantized, ["embedding"])
    session = exact_session(looked_up)
    got = session.run(None, feeds(session.get_inputs(), TEXTS[0][None]))[0]
    np.testing.assert_allclose(np.asarray(got)[0], expected[TEXTS[0]], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    ("embedding", "head", "both"), [(4, 8, 8), (8, 4, 8), (32, 8, 32), (2, 2, 2)]
)
def test_a_tied_table_takes_the_finer_width(
    embedding: int, head: int, both: int, graphs: Callable[..., onnx.ModelProto]
) -> None:
    whole = graphs("llama", tie_word_embeddings=True)
    stage = Quantize.model_validate(
        {"scheme": "weight-only", "bits": 4, "embedding_bits": embedding, "head_bits": head}
    )
    assert widths(whole, Quantizer(stage), split_context(), lambda: 0)["embedding.word"] == both


@pytest.mark.parametrize(("scheme", "most"), [("int8-dynamic", 0.2), ("int8-static", 0.5)])
@pytest.mark.parametrize("tied", [True, False])
def test_int8_schemes(
    scheme: str, most: float, tied: bool, graphs: Callable[..., onnx.ModelProto]
) -> None:
    whole = graphs("llama", tie_word_embeddings=tied)
    quantized = apply(Quantize(scheme=scheme), whole, split_context())  # pyright: ignore[reportArgumentType]
    assert distance(quantized, whole) < most
    assert payload_bytes(quantized) < 0.4 * payload_bytes(whole)


def test_smoothing_changes_nothing_by_itself(graphs: Callable[..., onnx.ModelProto]) -> None:
    from paretoscope.quantization.smoothquant import smoothquant

    whole = graphs("gemma")
    peaks = {
        name: activation.peaks for name, activation in observe(whole, split_context(), 8).items()
    }
    assert distance(smoothquant(whole, peaks, 0.5), whole) < 1e-5


@pytest.mark.parametrize("family", FAMILIES)
def test_scales_that_the_graph_takes_back_change_nothing(
    family: str, graphs: Callable[..., onnx.ModelProto]
) -> None:
    whole = graphs(family)
    generator = np.random.default_rng(0)
    scales = {
        m.name: np.exp(generator.normal(size=len(m.weight))).astype(np.float32)
        for m in matrices(whole)
        if not m.in_head
    }
    assert distance(rescaled(whole, scales), whole) < 1e-4


def test_scales_go_where_they_cost_nothing(graphs: Callable[..., onnx.ModelProto]) -> None:
    """Into norms, gated columns, and values where every query head has its own; else a
    multiplication.
    """
    left = {}
    for key_heads in (2, 4):
        whole = graphs("llama", **({} if key_heads == 2 else {"num_key_value_heads": key_heads}))
        scales = {
            m.name: np.full(len(m.weight), 2, dtype=np.float32)
            for m in matrices(whole)
            if not m.in_head
        }
        left[key_heads] = {
            node.output[0]
            for node in rescaled(whole, scales).graph.node
            if node.output[0].endswith(".rescaled")
        }
    assert left == {2: {f"layer.{index}.output.product.rescaled" for index in (0, 1)}, 4: set()}


def test_hessians_of_a_decoder_see_every_token(graphs: Callable[..., onnx.ModelProto]) -> None:
    whole = graphs("llama")
    inputs = input_statistics(whole, split_context())
    names = list(inputs)
    session = exact_session(with_outputs(with_all_logits(whole), names))
    for place, name in enumerate(names):
        seen = [
            np.asarray(session.run(None, feeds(session.get_inputs(), ids[None]))[place])
            for ids in TEXTS
        ]
        x = np.concatenate([values.reshape(-1, values.shape[-1]) for values in seen])
        assert len(x) == sum(map(len, TEXTS))
        np.testing.assert_allclose(inputs[name].hessian, x.T @ x / len(x), rtol=1e-3, atol=1e-3)


def test_a_decoder_is_shown_the_beginnings_of_documents(
    graphs: Callable[..., onnx.ModelProto],
) -> None:
    texts = [np.zeros(length, dtype=np.int64) for length in (1000, 10, 500, 300, 300)]
    assert [len(ids) for ids in calibration_texts(graphs("llama"), texts, tokens=700)] == [
        LENGTH,
        10,
        LENGTH,
        LENGTH,
    ]


@pytest.mark.parametrize("tied", [True, False])
def test_widths_by_sensitivity_and_by_megabytes(
    tied: bool, graphs: Callable[..., onnx.ModelProto], tmp_path: Path
) -> None:
    whole = graphs("llama", tie_word_embeddings=tied)
    by_average = Quantize(
        scheme="weight-only", bits=5, allocation="sensitivity", calibration_examples=8
    )
    assert distance(apply(by_average, whole, split_context()), whole) < 1
    most = 0.12 if tied else 0.14
    by_size = Quantize(scheme="weight-only", max_mb=most, rounding="gptq")
    save_decoder(apply(by_size, whole, replace(split_context(), companion_bytes=10_000)), tmp_path)
    taken = sum((tmp_path / name).stat().st_size for name in (MODEL, DATA))
    assert 0.8 * most * 1e6 < taken + 10_000 <= most * 1e6


def test_sensitivity_of_a_tied_table_is_that_of_both_uses(
    graphs: Callable[..., onnx.ModelProto],
) -> None:
    whole = graphs("llama", tie_word_embeddings=True)
    table = next(matrix for matrix in matrices(whole) if matrix.tied)
    same, other = table.as_stored(table.weight), table.as_stored(table.weight * 1.5)
    found = sensitivities(
        whole, [table.name], lambda name: [same, other], TEXTS, lambda step, steps: None
    )
    assert found[0, 0] == pytest.approx(0, abs=1e-9)
    assert found[0, 1] > 0.01


@pytest.mark.parametrize("family", ["llama", "gpt2", "qwen3", "mistral"])
def test_a_cache_in_int8(family: str, graphs: Callable[..., onnx.ModelProto]) -> None:
    whole = graphs(family)
    quantized = apply(Quantize(scheme="weight-only", bits=8, cache_bits=8), whole, split_context())
    plain = apply(Quantize(scheme="weight-only", bits=8), whole, split_context())
    assert distance(quantized, plain) < 0.1
    session = exact_session(quantized)
    first = feeds(session.get_inputs(), TEXTS[3][None, :-1])
    kept = dict(
        zip(
            [output.name for output in session.get_outputs()], session.run(None, first), strict=True
        )
    )
    past = {name: kept[present_of(name)] for name in first if name.startswith(PAST)}
    assert {np.asarray(value).dtype for value in past.values()} == {np.dtype(np.int8)}
    step = {
        "input_ids": TEXTS[3][None, -1:],
        "attention_mask": np.ones((1, len(TEXTS[3])), dtype=np.int64),
    }
    answer = np.asarray(session.run(["logits"], {**step, **past})[0])[0, 0]
    whole_text = np.asarray(
        session.run(["logits"], feeds(session.get_inputs(), TEXTS[3][None]))[0]
    )[0, 0]
    np.testing.assert_allclose(answer, whole_text, atol=0.02 * np.abs(whole_text).max())
