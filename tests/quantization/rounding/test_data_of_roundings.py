"""What the roundings know of a graph: its Hessians, scales that leave its function alone,
sensitivities, and budgets kept.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import numpy_helper

from paretoscope.errors import ArtifactError
from paretoscope.graphs.export import export
from paretoscope.graphs.graph import initializers, matrices, with_outputs
from paretoscope.models.checkpoint import load_model
from paretoscope.quantization.quantize import apply
from paretoscope.quantization.rescale import rescaled
from paretoscope.quantization.rounding import hessians
from paretoscope.quantization.rounding.hessians import input_statistics
from paretoscope.quantization.rounding.quantizer import Quantizer
from paretoscope.quantization.sensitivity import divergence, sensitivities, softened
from paretoscope.quantization.widths import encoder_widths
from paretoscope.recipes.context import StageContext
from paretoscope.recipes.stages import BITS, Quantize
from tests.quantization.sessions import exact_session
from tests.tiny.context import Recorder, tiny_split
from tests.tiny.factory import make_tiny

Graphs = Callable[[str], onnx.ModelProto]


@pytest.fixture(scope="module")
def graphs(tmp_path_factory: pytest.TempPathFactory) -> Graphs:
    made: dict[str, onnx.ModelProto] = {}
    folder: Path = tmp_path_factory.mktemp("tiny")

    def graph(family: str) -> onnx.ModelProto:
        if family not in made:
            made[family] = export(load_model(make_tiny(family, folder / family)))[0]
        return made[family]

    return graph


@pytest.fixture
def context() -> StageContext:
    return Recorder().context()


def run(model: onnx.ModelProto, *, padded: bool = False) -> list[np.ndarray]:
    """The outputs for three texts of seven tokens, the last one padded if asked."""
    session = exact_session(model)
    ids = np.random.default_rng(0).integers(5, 40, size=(3, 7))
    mask = np.ones_like(ids)
    mask[2, 4:] = 0 if padded else 1
    return [
        np.asarray(value) for value in session.run(None, {"input_ids": ids, "attention_mask": mask})
    ]


# --- Hessians -------------------------------------------------------------------------------------


def test_a_hessian_is_the_second_moment_of_every_token(
    graphs: Graphs, context: StageContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    graph = graphs("bert")
    monkeypatch.setattr(hessians, "TOKENS_AT_ONCE", 50)
    monkeypatch.setattr(hessians, "FLOATS_AT_ONCE", 5_000)
    found = input_statistics(graph, context)
    names = list(found)
    assert set(names) == {matrix.node.input[0] for matrix in matrices(graph)}
    session = onnxruntime.InferenceSession(
        with_outputs(graph, names).SerializeToString(), providers=["CPUExecutionProvider"]
    )
    rows: dict[str, list[np.ndarray]] = {name: [] for name in names}
    for ids in tiny_split().ids:
        for name, value in zip(
            names,
            session.run(None, {"input_ids": ids[None], "attention_mask": np.ones_like(ids[None])}),
            strict=True,
        ):
            rows[name].append(np.asarray(value).reshape(-1, found[name].magnitude.size))
    for name in names:
        x = np.concatenate(rows[name]).astype(np.float64)
        np.testing.assert_allclose(found[name].hessian, x.T @ x / len(x), rtol=1e-3, atol=1e-5)
        np.testing.assert_allclose(
            found[name].magnitude, np.abs(x).mean(axis=0), rtol=1e-4, atol=1e-6
        )


def test_hessians_are_computed_once_for_every_width_group_and_rounding(graphs: Graphs) -> None:
    recorder = Recorder()
    for rounding, bits, group_size in (("gptq", 2, 16), ("gptq", 4, 32), ("awq", 8, 16)):
        apply(
            Quantize(scheme="weight-only", rounding=rounding, bits=bits, group_size=group_size),
            graphs("bert"),
            recorder.context(),
        )
    assert len(recorder.computed) == 1


# --- rescaling ------------------------------------------------------------------------------------


@pytest.mark.parametrize("family", ["bert", "distilbert", "roberta", "electra"])
def test_rescaling_leaves_the_function_alone(family: str, graphs: Graphs) -> None:
    graph = graphs(family)
    generator = np.random.default_rng(3)
    scales = {
        m.name: np.exp(generator.normal(size=len(m.weight))).astype(np.float32)
        for m in matrices(graph)
        if not m.in_head
    }
    other = rescaled(graph, scales)
    np.testing.assert_allclose(
        run(other, padded=True)[0], run(graph, padded=True)[0], rtol=1e-3, atol=1e-4
    )
    before = {matrix.name: matrix.weight for matrix in matrices(graph)}
    for matrix in matrices(other):
        if (
            matrix.name in scales and "qkv" not in matrix.name
        ):  # whose value columns also take the division of what follows
            np.testing.assert_allclose(
                matrix.weight, before[matrix.name] * scales[matrix.name][:, None], rtol=1e-5
            )


def test_only_what_cannot_be_folded_is_multiplied(graphs: Graphs) -> None:
    """Attention's output goes into the values, and ELECTRA's projection into the norm before it."""
    for family in ("bert", "electra"):
        graph = graphs(family)
        other = rescaled(
            graph,
            {
                m.name: np.full(len(m.weight), 2, dtype=np.float32)
                for m in matrices(graph)
                if not m.in_head
            },
        )
        left = {
            name.removesuffix(".rescale").split(".", 2)[-1]
            for name in initializers(other)
            if name.endswith(".rescale")
        }
        assert left == {"qkv", "ffn.in", "ffn.out"}


def test_a_rescaled_and_rounded_graph_computes_what_the_rounder_says(
    graphs: Graphs, context: StageContext
) -> None:
    graph, stage = (
        graphs("bert"),
        Quantize(scheme="weight-only", rounding="awq", bits=4, embedding_bits=32, head_bits=32),
    )
    quantizer = Quantizer.of(stage, graph, context)
    said = onnx.ModelProto()
    said.CopyFrom(graph)
    stands_for = {m.name: quantizer.dequantized(m, 4) for m in matrices(graph) if not m.in_head}
    for tensor in said.graph.initializer:
        if tensor.name in stands_for:
            tensor.CopyFrom(numpy_helper.from_array(stands_for[tensor.name], tensor.name))
    exact = apply(stage, graph, context)
    for node in exact.graph.node:
        for attribute in node.attribute:
            if attribute.name == "accuracy_level":
                attribute.i = 1
    np.testing.assert_allclose(run(exact)[0], run(said)[0], rtol=5e-3, atol=5e-3)


# --- sensitivity ----------------------------------------------------------------------------------


@pytest.mark.parametrize("family", ["bert", "electra"])
def test_sensitivity_is_the_divergence_of_the_whole_graph_with_one_matrix_changed(
    family: str, graphs: Graphs
) -> None:
    graph = graphs(family)
    names = [*(matrix.name for matrix in reversed(list(matrices(graph)))), "embedding.word"]
    changed = {
        name: [numpy_helper.to_array(initializers(graph)[name]) * factor for factor in (0.5, 1.0)]
        for name in names
    }
    texts = [np.random.default_rng(seed).integers(5, 40, size=5 + seed % 3) for seed in range(6)]
    found = sensitivities(graph, names, changed.__getitem__, texts, lambda step, steps: None)

    def logits(model: onnx.ModelProto) -> np.ndarray:
        session = onnxruntime.InferenceSession(
            model.SerializeToString(), providers=["CPUExecutionProvider"]
        )
        return np.concatenate(
            [
                np.asarray(
                    session.run(
                        None, {"input_ids": t[None], "attention_mask": np.ones_like(t[None])}
                    )[0]
                )
                for t in texts
            ]
        )

    for row, name in zip(found, names, strict=True):
        other = onnx.ModelProto()
        other.CopyFrom(graph)
        tensor = next(tensor for tensor in other.graph.initializer if tensor.name == name)
        tensor.CopyFrom(numpy_helper.from_array(changed[name][0], name))
        assert row[0] == pytest.approx(
            divergence(softened(logits(graph)), logits(other)), rel=1e-3, abs=1e-7
        )
        assert row[0] > 1e-6 > row[1]


def test_sensitivity_is_measured_once_for_all_averages_and_spends_no_more_than_them(
    graphs: Graphs,
) -> None:
    graph, recorder = graphs("bert"), Recorder()
    sizes = {matrix.name: matrix.weight.size for matrix in matrices(graph) if not matrix.in_head}
    for average in (2.5, 3, 4, 6):
        stage = Quantize(
            scheme="weight-only", bits=average, group_size=16, allocation="sensitivity"
        )
        chosen = encoder_widths(graph, Quantizer(stage), recorder.context())
        assert (
            average - 1
            < sum(sizes[name] * bits for name, bits in chosen.items()) / sum(sizes.values())
            <= average
        )
    assert len(recorder.computed) == 1


# --- megabytes ------------------------------------------------------------------------------------


@pytest.mark.parametrize(("rounding", "allocation"), [("rtn", "sensitivity"), ("awq", "error")])
def test_a_budget_of_megabytes_is_kept_on_disk_and_used(
    rounding: str, allocation: str, graphs: Graphs, context: StageContext
) -> None:
    graph = graphs("bert")
    context = replace(context, companion_bytes=5_000)

    def size(bits: int) -> int:
        everywhere = dict.fromkeys(("bits", "embedding_bits", "head_bits"), bits)
        alike = Quantize.model_validate(
            {"scheme": "weight-only", "rounding": rounding, "group_size": 16, **everywhere}
        )
        return apply(alike, graph, context).ByteSize() + 5_000

    smallest, largest = size(2), size(8)
    left: list[int] = []
    for share in (0.05, 0.6):
        budget = int(smallest + share * (largest - smallest))
        stage = Quantize.model_validate(
            {
                "scheme": "weight-only",
                "max_mb": budget / 1e6,
                "rounding": rounding,
                "allocation": allocation,
                "group_size": 16,
            }
        )
        left.append(budget - apply(stage, graph, context).ByteSize() - 5_000)
    assert min(left) >= 0
    assert max(left) < 0.3 * (largest - smallest)
    roomy = Quantize(scheme="weight-only", max_mb=1.0, rounding=rounding, group_size=16)
    assert apply(roomy, graph, context).ByteSize() + 5_000 == largest


def test_a_budget_below_two_bits_says_what_is_possible(
    graphs: Graphs, context: StageContext
) -> None:
    with pytest.raises(
        ArtifactError,
        match=r"max_mb is 0\.01, .* 0\.\d+ MB with every weight in 2 bits; raise max_mb to 0\.\d",
    ):
        apply(Quantize(scheme="weight-only", max_mb=0.01), graphs("bert"), context)


def test_two_bits_everywhere_need_no_measuring(graphs: Graphs) -> None:
    recorder = Recorder()
    for bits in (BITS[0], BITS[-1]):
        apply(
            Quantize(scheme="weight-only", bits=bits, allocation="sensitivity"),
            graphs("bert"),
            recorder.context(),
        )
    assert not recorder.computed
