"""The anatomy names real modules of every family, with the shapes that its documentation states."""

from __future__ import annotations

from pathlib import Path

import pytest
from torch import nn
from transformers import AlbertConfig, AlbertForSequenceClassification

from paretoscope.errors import ModelError
from paretoscope.models.checkpoint import load_model
from paretoscope.models.encoder.anatomy import anatomy
from paretoscope.models.modules.access import layer_list, linear
from tests.tiny.encoders import FAMILIES
from tests.tiny.factory import make_tiny


@pytest.mark.parametrize("family", FAMILIES)
def test_parts_have_the_stated_shapes(family: str, tmp_path: Path) -> None:
    model = load_model(make_tiny(family, tmp_path / "model", layers=3))
    parts = anatomy(model)

    def shape(name: str) -> tuple[int, ...]:
        return tuple(linear(model, name).weight.shape)

    assert len(parts.layers) == len(layer_list(model, parts.layer_list)) == 3
    for layer in parts.layers:
        assert {shape(name) for name in (layer.query, layer.key, layer.value, layer.output)} == {
            (32, 32)
        }
        assert (shape(layer.ffn_in), shape(layer.ffn_out), layer.head_size) == (
            (64, 32),
            (32, 64),
            8,
        )
    assert isinstance(model.get_submodule(parts.embeddings), nn.Embedding)
    assert shape(parts.head[-1]) == (2, 32)
    assert len(set(parts.matrices)) == 18
    assert set(parts.matrices) <= set(dict(model.named_parameters()))


@pytest.mark.parametrize("family", FAMILIES)
def test_no_linear_module_is_forgotten(family: str, tmp_path: Path) -> None:
    model = load_model(make_tiny(family, tmp_path / "model"))
    parts = anatomy(model)
    linears = {name for name, module in model.named_modules() if isinstance(module, nn.Linear)}
    assert linears - {*parts.linears, *parts.head} <= {"electra.embeddings_project"}


def test_unknown_family_is_named() -> None:
    config = AlbertConfig(
        vocab_size=10,
        embedding_size=8,
        hidden_size=8,
        num_hidden_layers=1,
        num_attention_heads=1,
        intermediate_size=8,
    )
    with pytest.raises(ModelError, match='do not support the model family "albert", only bert'):
        anatomy(AlbertForSequenceClassification(config))
