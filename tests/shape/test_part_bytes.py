"""Bytes by part are those of the tensors of the real graph, and sum to its weights."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import onnx
import pytest
from onnx import numpy_helper

from paretoscope.errors import RecipeError
from paretoscope.graphs.export import export
from paretoscope.graphs.graph import payload_bytes
from paretoscope.models.checkpoint import load_model
from paretoscope.quantization import quantize
from paretoscope.recipes.file import parse_recipe
from paretoscope.recipes.recipe import Recipe
from paretoscope.shape.apply_recipe import apply_recipe
from paretoscope.shape.part_bytes import PartBytes, part_bytes, part_names
from paretoscope.shape.read import read_shape
from paretoscope.shape.shape import ModelShape
from tests.tiny.context import Recorder

PARTS = {"layer.0.ffn": 4, "layer.0.ffn.out": 2, "layer.1.qkv": 32}
STAGES = [
    None,
    {"kind": "quantize"},
    {"kind": "quantize", "scheme": "weight-only", "bits": 4, "embedding_bits": 2},
    {"kind": "quantize", "scheme": "weight-only", "parts": PARTS, "head_bits": 32},
]


def of(shape: ModelShape, stage: dict[str, object] | None) -> PartBytes:
    return part_bytes(apply_recipe(shape, parse_recipe({"stages": [stage] if stage else []})))


def tensors(graph: onnx.ModelProto) -> Counter[str]:
    """Bytes of the initializers of every matrix and of the embedding, with scales and codes."""
    found: Counter[str] = Counter()
    kinds = ("qkv", "output", "ffn.in", "ffn.out")
    names = [f"layer.{index}.{kind}" for index in range(2) for kind in kinds]
    for tensor in graph.graph.initializer:
        floats = (".bias", ".norm.weight", ".norm.bias", ".cuts")
        if tensor.name.endswith(floats):
            continue
        size = numpy_helper.to_array(tensor).nbytes
        for name in (*names, "embedding.word"):
            if tensor.name == name or tensor.name.startswith(f"{name}."):
                found[name] += size
    return found


@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize("family", ["bert", "distilbert"])
def test_every_part_has_the_bytes_of_its_tensors(
    family: str, stage: dict[str, object] | None, folders: dict[str, Path]
) -> None:
    graph = export(load_model(folders[family]))[0]
    if stage is not None:
        recipe = parse_recipe({"stages": [stage]})
        graph = quantize.apply(recipe.stages[0], graph, Recorder().context())  # type: ignore[arg-type]
    found = of(read_shape(folders[family]), stage)
    assert found.exact
    assert found.total == payload_bytes(graph)
    expected = tensors(graph)
    assert found.parts["embedding"] == expected.pop("embedding.word")
    for name, size in expected.items():
        assert found.parts[name] == size, name


def test_parts_are_in_the_order_of_the_graph(bert: ModelShape) -> None:
    found = of(bert, None)
    assert list(found.parts) == part_names(6)
    assert sum(map(found.share, found.parts)) == pytest.approx(1)
    assert found.share("layer.99.qkv") == 0


def test_a_longer_part_counts_before_a_shorter_one(bert: ModelShape) -> None:
    parts = {"layer.0": 8, "layer.0.ffn": 4}
    wide, narrow = (
        of(bert, {"kind": "quantize", "scheme": "weight-only", "parts": each})
        for each in ({"layer.0": 8}, parts)
    )
    changed = {name for name in wide.parts if wide.parts[name] != narrow.parts[name]}
    assert changed == {"layer.0.ffn.in", "layer.0.ffn.out"}


@pytest.mark.parametrize("budget", [{"bits": 4.5}, {"max_mb": 20.0}])
def test_widths_that_are_chosen_later_are_spread_and_not_exact(
    bert: ModelShape, budget: dict[str, float]
) -> None:
    stage = {"kind": "quantize", "scheme": "weight-only", **budget}
    applied = apply_recipe(bert, parse_recipe({"stages": [stage]}))
    found = part_bytes(applied)
    assert not found.exact
    assert found.total == applied.size.weights_bytes
    ratio = found.parts["layer.0.ffn.in"] / found.parts["layer.0.qkv"]
    assert ratio == pytest.approx(4 / 3, rel=0.01)
    assert all(size >= 0 for size in found.parts.values())


def test_a_part_that_the_model_does_not_have_is_an_error(bert: ModelShape) -> None:
    with pytest.raises(RecipeError, match=r"layer\.0 to layer\.5"):
        of(bert, {"kind": "quantize", "scheme": "weight-only", "parts": {"layer.6": 4}})


def test_a_dropped_layer_has_no_part(bert: ModelShape) -> None:
    student = parse_recipe({"stages": [{"kind": "distill", "layers": 3}]})
    found = part_bytes(apply_recipe(bert, student))
    assert list(found.parts) == part_names(3)
    assert found.total == apply_recipe(bert, student).size.weights_bytes
    assert found.total < part_bytes(apply_recipe(bert, Recipe())).total
