from __future__ import annotations

from pathlib import Path

import pytest

from tests.measure.classifiers import MakeArtifact, write_classifier


@pytest.fixture
def make_artifact(tmp_path: Path) -> MakeArtifact:
    """`make_artifact(name, seed=, scale=, squarings=, inputs=)` writes a model.onnx and its
    config.json into a new folder.
    """
    return lambda name, **changes: write_classifier(tmp_path / name, **changes)
