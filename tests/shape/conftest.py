"""Tiny encoders of every family, and their graphs."""

from __future__ import annotations

from pathlib import Path

import onnx
import pytest

from paretoscope.graphs.export import export
from paretoscope.models.checkpoint import load_model
from paretoscope.shape.shape import ModelShape
from tests.tiny.encoders import FAMILIES
from tests.tiny.factory import make_tiny
from tests.tiny.shapes import bert_shape


@pytest.fixture(scope="session")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    root = tmp_path_factory.mktemp("models")
    return {family: make_tiny(family, root / family, labels=("a", "b", "c")) for family in FAMILIES}


@pytest.fixture(scope="session")
def graphs(folders: dict[str, Path]) -> dict[str, onnx.ModelProto]:
    return {family: export(load_model(folder))[0] for family, folder in folders.items()}


@pytest.fixture
def bert() -> ModelShape:
    return bert_shape()
