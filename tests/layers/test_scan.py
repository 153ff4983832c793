"""The scan finds the part that the outputs depend on, and changes only one part at a time."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from paretoscope.graphs.export import export
from paretoscope.graphs.graph import initializers
from paretoscope.layers.scan import scan
from paretoscope.layers.sensitivity import OPTIONS, Cell, Option
from paretoscope.models.checkpoint import load_model
from paretoscope.quantization.embedding import quantize_embedding
from paretoscope.quantization.sensitivity import divergence, softened
from tests.quantization.sessions import exact_session
from tests.tiny.factory import make_tiny

TEXTS = [np.random.default_rng(seed).integers(5, 40, size=4 + seed % 3) for seed in range(12)]
DEAD = ("layer.1.output", "layer.1.ffn.out")
"""Made so small that layer 1 adds nothing to the residual and only layer 0 matters."""


@pytest.fixture(scope="module")
def graph(tmp_path_factory: pytest.TempPathFactory) -> onnx.ModelProto:
    model = load_model(make_tiny("bert", tmp_path_factory.mktemp("tiny"), layers=2))
    made = export(model)[0]
    for name in DEAD:
        tensor = initializers(made)[name]
        tensor.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(tensor) * 1e-6, name))
    return made


@pytest.fixture(scope="module")
def cells(graph: onnx.ModelProto) -> tuple[Cell, ...]:
    return scan(graph, TEXTS, lambda done, of: None)


def by(cells: tuple[Cell, ...], option: Option) -> dict[str, Cell]:
    return {each.part: each for each in cells if each.option == option}


def test_every_part_with_a_width_has_every_option(cells: tuple[Cell, ...]) -> None:
    kinds = ("qkv", "output", "ffn.in", "ffn.out")
    inner = {f"layer.{index}.{kind}" for index in range(2) for kind in kinds}
    for option in OPTIONS:
        tables = {"embedding", "head"} if option.bits else {"head"}
        assert set(by(cells, option)) == inner | tables


def test_the_layer_that_matters_is_the_sensitive_one(cells: tuple[Cell, ...]) -> None:
    two_bits = by(cells, Option(bits=2))
    layers = [[cell for part, cell in two_bits.items() if f"layer.{at}." in part] for at in (0, 1)]
    matters, dead = (max(cell.error for cell in layer) for layer in layers)
    assert matters > 100 * dead
    assert max(cell.kl.value for cell in layers[0]) > 100 * max(x.kl.value for x in layers[1])
    assert all(cell.changed == 0 for cell in layers[1])


def test_fewer_bits_and_more_zeros_cost_more(cells: tuple[Cell, ...]) -> None:
    for low, high in ((Option(bits=8), Option(bits=2)), (OPTIONS[4], OPTIONS[-1])):
        less, more = by(cells, low), by(cells, high)
        assert sum(each.error for each in less.values()) < sum(x.error for x in more.values())


def test_intervals_contain_their_mean(cells: tuple[Cell, ...]) -> None:
    assert all(each.kl.low <= each.kl.value <= each.kl.high for each in cells)
    assert any(each.kl.low < each.kl.high for each in cells)


def test_a_cell_is_the_divergence_of_the_whole_graph(
    graph: onnx.ModelProto, cells: tuple[Cell, ...]
) -> None:
    """The embedding alone in 4 bits, by the stage that makes an artefact."""
    rounded = quantize_embedding(graph, 4)

    def logits(model: onnx.ModelProto) -> np.ndarray:
        session = exact_session(model)
        feeds = (
            {"input_ids": ids[None], "attention_mask": np.ones_like(ids)[None]} for ids in TEXTS
        )
        return np.concatenate([np.asarray(session.run(None, feed)[0]) for feed in feeds])

    expected = divergence(softened(logits(graph)), logits(rounded))
    assert by(cells, Option(bits=4))["embedding"].kl.value == pytest.approx(expected, rel=0.02)


def test_progress_counts_the_parts(graph: onnx.ModelProto) -> None:
    seen: list[tuple[int, int]] = []
    scan(graph, TEXTS[:2], lambda done, of: seen.append((done, of)), [Option(bits=4)])
    assert seen == [(step, 10) for step in range(1, 11)]
