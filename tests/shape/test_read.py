"""Shapes are those of the models, read from configs and headers only."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from paretoscope.errors import ModelError
from paretoscope.families.encoders import positions_after_padding
from paretoscope.models.checkpoint import load_model
from paretoscope.shape.encoder import EncoderShape
from paretoscope.shape.read import read_shape
from tests.tiny.encoders import FAMILIES


@pytest.mark.parametrize("family", FAMILIES)
def test_shapes_are_those_of_the_model(family: str, folders: dict[str, Path]) -> None:
    found = read_shape(folders[family])
    assert isinstance(found, EncoderShape)
    assert (
        found.layers,
        found.hidden,
        found.heads,
        found.head_size,
        found.ffn,
        found.positions,
        found.classes,
    ) == (2, 32, 4, 8, 64, 128 + positions_after_padding(family), 3)
    model = load_model(folders[family])
    assert found.parameters == sum(p.numel() for p in model.parameters())
    assert found.vocabulary == model.config.vocab_size


def test_only_headers_are_read(folders: dict[str, Path], tmp_path: Path) -> None:
    source = (folders["bert"] / "model.safetensors").read_bytes()
    length = int.from_bytes(source[:8], "little")
    (tmp_path / "model.safetensors").write_bytes(source[: 8 + length])
    (tmp_path / "config.json").write_bytes((folders["bert"] / "config.json").read_bytes())
    assert read_shape(tmp_path).layers == 2
    assert read_shape(tmp_path).tokenizer_bytes is None
    found = read_shape(tmp_path, classes=7)
    assert isinstance(found, EncoderShape)
    assert found.classes == 7


def test_a_shape_that_cannot_be_read_is_refused(folders: dict[str, Path], tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"no readable config\.json"):
        read_shape(tmp_path)
    config = json.loads((folders["bert"] / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps({**config, "model_type": "t5"}))
    with pytest.raises(ModelError, match='"t5" model cannot be computed'):
        read_shape(tmp_path)
    (tmp_path / "config.json").write_text(json.dumps(config))
    for damaged in (b"", b"\xff" * 4, b"\xff" * 16, (5).to_bytes(8, "little") + b"[1,2]"):
        (tmp_path / "model.safetensors").write_bytes(damaged)
        with pytest.raises(ModelError, match="header"):
            read_shape(tmp_path)
