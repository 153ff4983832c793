"""Every promise of docs/reference/families.md about traced families, on tiny models."""

from __future__ import annotations

import json
from functools import cache
from math import prod
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto

from benchmarks.families.configs import FAMILIES, Sizes, tiny_classifier
from paretoscope.errors import ModelError
from paretoscope.families.encoders import ENCODERS
from paretoscope.families.traced import TRACED, TracedFamily
from paretoscope.graphs import sessions
from paretoscope.graphs.export import export
from paretoscope.graphs.graph import HEAD, matrices, payload_bytes
from paretoscope.models.architecture import architecture_of
from paretoscope.quantization import quantize
from paretoscope.quantization.smoothquant import smoothquant
from paretoscope.recipes.recipe import Recipe
from paretoscope.recipes.stages import AnyStage, PruneWeights, Quantize
from paretoscope.shape.compatibility import check_fit
from paretoscope.sources.ref import ModelRef
from paretoscope.sources.resolve import resolve_model
from tests.tiny.context import Recorder

SUPPORTED = [row for row in TRACED.values() if not row.refused]
REFUSED = [row for row in TRACED.values() if row.refused]
SIZES = Sizes()
TABLES = ("position", "wpe")
"""Parts of the names of tables that no scheme quantizes."""


@cache
def exported(family: str) -> tuple[onnx.ModelProto, float]:
    """The graph compared at 3, 17, 128 tokens and the longest text, batches and padding."""
    return export(tiny_classifier(family, SIZES))


def answers(graph: onnx.ModelProto, batch: int = 2) -> np.ndarray:
    ids = np.random.default_rng(0).integers(5, SIZES.vocabulary, size=(batch, 20))
    given = {"input_ids": ids, "attention_mask": np.ones_like(ids)}
    return sessions.run(sessions.session(graph), ["logits"], given)[0]


def floats(graph: onnx.ModelProto) -> list[str]:
    """Names of float tensors of two and more axes, without position tables and small constants."""
    return [
        tensor.name
        for tensor in graph.graph.initializer
        if tensor.data_type == TensorProto.FLOAT
        and len(tensor.dims) > 1
        and prod(tensor.dims) >= SIZES.hidden * SIZES.head_size
        and SIZES.positions not in tensor.dims
        and not any(part in tensor.name for part in TABLES)
    ]


def test_every_family_has_sizes() -> None:
    assert set(FAMILIES) == {*ENCODERS, *(row.model_type for row in SUPPORTED)}
    assert not ENCODERS.keys() & TRACED.keys()


@pytest.mark.parametrize("row", SUPPORTED, ids=lambda row: row.model_type)
def test_the_graph_is_that_of_torch(row: TracedFamily) -> None:
    graph, difference = exported(row.model_type)
    assert difference < 1e-4
    names = [matrix.node.name for matrix in matrices(graph)]
    assert 1 <= sum(name.startswith(HEAD) for name in names) <= 2 < len(names)


@pytest.mark.parametrize("row", SUPPORTED, ids=lambda row: row.model_type)
@pytest.mark.parametrize(
    "stage", [Quantize(), Quantize(scheme="weight-only", bits=4)], ids=lambda stage: stage.scheme
)
def test_every_matrix_is_quantized(row: TracedFamily, stage: Quantize) -> None:
    graph, _ = exported(row.model_type)
    small = quantize.apply(stage, graph, Recorder().context())
    assert payload_bytes(small) < payload_bytes(graph)
    assert bool(floats(small)) == bool(row.floats)
    assert np.isfinite(answers(small)).all()
    assert not np.array_equal(answers(small), answers(graph))


def test_smoothing_leaves_the_function_of_shared_layers() -> None:
    graph, _ = exported("albert")
    widths = {matrix.node.input[0]: len(matrix.weight) for matrix in matrices(graph)}
    peaks = {name: np.linspace(0.1, 9, width) for name, width in widths.items()}
    assert np.allclose(answers(smoothquant(graph, peaks, 0.5)), answers(graph), atol=1e-5)


@pytest.mark.parametrize("row", SUPPORTED, ids=lambda row: row.model_type)
def test_single_weights(row: TracedFamily) -> None:
    model = tiny_classifier(row.model_type, SIZES)
    architecture = architecture_of(model)
    if not row.prunable:
        with pytest.raises(ModelError, match="no linear modules"):
            architecture.matrices()
        return
    pruned = sum(model.get_parameter(name).numel() for name in architecture.matrices())
    graph, _ = exported(row.model_type)
    stored = {m.name: m.weight.size for m in matrices(graph) if not m.in_head}
    assert (pruned >= sum(stored.values())) == (not row.unpruned)


def folder_of(family: str, folder: Path) -> Path:
    """A folder of which only the config can be read."""
    names = {"model_type": family, "architectures": ["XForSequenceClassification"]}
    (folder / "config.json").write_text(json.dumps(names))
    return folder


@pytest.mark.parametrize("row", REFUSED, ids=lambda row: row.model_type)
def test_refused_families_are_refused_by_their_config(row: TracedFamily, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="are not supported") as refusal:
        resolve_model(str(folder_of(row.model_type, tmp_path)))
    assert row.model_type in str(refusal.value) and row.refused in str(refusal.value)


@pytest.mark.parametrize(
    ("family", "stage", "fits"),
    [
        ("gpt2", PruneWeights(), False),
        ("albert", PruneWeights(), True),
        ("albert", Quantize(train_epochs=1), False),
        ("bert", Quantize(train_epochs=1), True),
        ("unheard-of", Quantize(train_epochs=1), False),
    ],
)
def test_stages_that_a_family_lacks(
    family: str, stage: AnyStage, fits: bool, tmp_path: Path
) -> None:
    ref = ModelRef(name="own", kind="folder", path=str(folder_of(family, tmp_path)), key="k")
    recipe = Recipe(stages=(stage,))
    if fits:
        check_fit(ref, recipe)
    else:
        with pytest.raises(ModelError, match=family):
            check_fit(ref, recipe)
