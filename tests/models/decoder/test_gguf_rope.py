"""Scaled rotary positions of a GGUF file give the frequencies that llama.cpp computes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from paretoscope.errors import ModelError
from paretoscope.graphs.export import export
from paretoscope.models.checkpoint import load_model, save_model
from paretoscope.models.pretrained import trained
from paretoscope.sources.resolve import resolve_model
from tests.tiny.gguf_files import write_llama

PAIRS = 8
USUAL = 10000.0 ** -(np.arange(PAIRS) / PAIRS)
FACTORS = np.array([1.0, 1.0, 1.0, 1.5, 3.0, 8.0, 8.0, 8.0])
LINEAR = {"llama.rope.scaling.type": "linear", "llama.rope.scaling.factor": 4.0}


def read(path: Path, metadata: dict[str, Any], factors: np.ndarray | None = None) -> Any:
    tensors = {} if factors is None else {"rope_freqs.weight": factors}
    return trained(resolve_model(str(write_llama(path, metadata, tensors))))


@pytest.mark.parametrize(
    ("metadata", "factors", "divisors"),
    [
        ({}, None, np.ones(PAIRS)),
        (LINEAR, None, np.full(PAIRS, 4.0)),
        ({"llama.rope.scale_linear": 2.0}, None, np.full(PAIRS, 2.0)),
        ({"llama.rope.scaling.factor": 4.0}, None, np.full(PAIRS, 4.0)),
        (LINEAR | {"llama.rope.scale_linear": 2.0}, None, np.full(PAIRS, 4.0)),
        (LINEAR | {"llama.rope.scaling.factor": 0.0}, None, np.ones(PAIRS)),
        (LINEAR | {"llama.rope.scaling.type": "none"}, None, np.ones(PAIRS)),
        ({}, FACTORS, FACTORS),
        ({}, np.full(PAIRS, 8.0), np.full(PAIRS, 8.0)),
        (LINEAR, FACTORS, 4 * FACTORS),
    ],
)
def test_frequencies_are_divided(
    tmp_path: Path, metadata: dict[str, Any], factors: np.ndarray | None, divisors: np.ndarray
) -> None:
    rotary = read(tmp_path / "tiny.gguf", metadata, factors).model.rotary_emb
    np.testing.assert_allclose(rotary.inv_freq.numpy(), USUAL / divisors, rtol=1e-6)
    assert rotary.attention_scaling == 1.0


@pytest.mark.parametrize(("metadata", "factors"), [(LINEAR, None), ({}, FACTORS)])
def test_checkpoint_and_graph_keep_the_scaling(
    tmp_path: Path, metadata: dict[str, Any], factors: np.ndarray | None
) -> None:
    model = read(tmp_path / "tiny.gguf", metadata, factors)
    ids = torch.arange(3, 33)[None]
    with torch.no_grad():
        expected = model(input_ids=ids).logits
    (tmp_path / "tokenizer.json").write_text("{}")
    save_model(model, tmp_path / "checkpoint", tmp_path / "tokenizer.json")
    loaded = load_model(tmp_path / "checkpoint")
    with torch.no_grad():
        assert torch.equal(loaded(input_ids=ids).logits, expected)
    graph, difference = export(loaded)  # raises when the graph differs from torch
    assert difference < 1e-3
    [table] = [each for each in graph.graph.initializer if each.name == "rotary.cos"]
    assert list(table.dims) == [128, PAIRS]


def test_factors_for_another_head_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="scales rotary positions"):
        read(tmp_path / "tiny.gguf", {}, np.ones(PAIRS * 2))


@pytest.mark.parametrize(
    "name", ["blk.2.attn_q.weight", "blk.0.attn_q.bias", "rope_factors_long.weight"]
)
def test_a_tensor_without_a_place_in_the_model_is_named(tmp_path: Path, name: str) -> None:
    path = write_llama(tmp_path / "tiny.gguf", {}, {name: np.ones(64)})
    with pytest.raises(ModelError, match=name):
        trained(resolve_model(str(path)))
