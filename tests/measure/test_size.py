from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from paretoscope.errors import ArtifactError
from paretoscope.measure.size import artifact_record


def test_every_file_is_counted_and_hashed(tmp_path: Path) -> None:
    (tmp_path / "inner").mkdir()
    contents = {"model.onnx": b"x" * 300_000, "inner/notes.txt": b"", "config.json": b"{}"}
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content)
    record = artifact_record(tmp_path)
    assert record.files == {name: len(content) for name, content in contents.items()}
    assert record.sha256 == {
        name: hashlib.sha256(content).hexdigest() for name, content in contents.items()
    }
    assert record.size_bytes == 300_002
    assert record.path == str(tmp_path)


def test_a_folder_that_is_missing_or_empty_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match="is empty"):
        artifact_record(tmp_path)
    with pytest.raises(ArtifactError, match="no artefact folder"):
        artifact_record(tmp_path / "absent")
