"""Uploads: where they are stored, once for equal content, and nothing of one that fails."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from paretoscope.errors import ModelError, StoreError
from paretoscope.library import uploads
from paretoscope.library.uploads import Upload, store_data, store_model
from paretoscope.workspace import Workspace


def upload(name: str, content: bytes) -> Upload:
    return Upload(name, io.BytesIO(content), len(content))


def zipped(files: dict[str, bytes]) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return content.getvalue()


def stored(workspace: Workspace) -> set[str]:
    root = workspace.uploads
    return {str(path.relative_to(root)) for path in root.rglob("*") if path.is_file()}


@pytest.mark.parametrize(
    ("name", "plain"),
    [("../my data.csv", "my-data.csv"), ("C:\\x\\a.csv", "a.csv"), (".csv", "csv")],
)
def test_a_data_file_is_stored_once_under_a_plain_name(
    name: str, plain: str, workspace: Workspace
) -> None:
    first, second = (store_data(workspace, upload(name, b"text,label")) for _ in range(2))
    assert first == second
    assert first.name == plain
    assert first.read_bytes() == b"text,label"
    assert len(stored(workspace)) == 1


def test_a_zip_becomes_the_folder_of_its_model(workspace: Workspace) -> None:
    content = zipped({"m/config.json": b"{}", "m/model.safetensors": b"w"})
    path = store_model(workspace, [upload("My model.zip", content)])
    assert path.name == "My-model"
    assert {each.name for each in path.iterdir()} == {"config.json", "model.safetensors"}
    assert store_model(workspace, [upload("My model.zip", content)]) == path


def test_a_zip_of_one_gguf_file_is_that_file(workspace: Workspace) -> None:
    path = store_model(workspace, [upload("m.zip", zipped({"tiny.gguf": b"GGUF"}))])
    assert path.name == "tiny.gguf"


def test_single_files_become_one_folder(workspace: Workspace) -> None:
    given = [upload("config.json", b"{}"), upload("model.safetensors", b"w")]
    path = store_model(workspace, given)
    assert {each.name: each.read_bytes() for each in path.iterdir()} == {
        "config.json": b"{}",
        "model.safetensors": b"w",
    }
    assert store_model(workspace, given[::-1]) == path, "in any order"


@pytest.mark.parametrize(
    "given",
    [
        [upload("a.zip", zipped({"config.json": b"{}"})), upload("config.json", b"{}")],
        [upload("a.zip", zipped({"../config.json": b"{}"}))],
        [upload("a.zip", b"no zip")],
    ],
)
def test_a_refused_model_leaves_nothing(given: Sequence[Upload], workspace: Workspace) -> None:
    with pytest.raises(ModelError):
        store_model(workspace, given)
    assert not list(workspace.uploads.rglob("*"))


@pytest.mark.parametrize("name", ["a.csv", "a.gguf", "a.zip"])
def test_a_full_disk_is_an_error_before_anything_is_written(
    name: str, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(uploads, "free_bytes", lambda _: uploads.SPARE_BYTES)
    content = zipped({"config.json": b"{}"})
    with pytest.raises(StoreError, match="free some space"):
        store_model(workspace, [upload(name, content)])
    assert not workspace.uploads.exists()


def test_a_write_that_fails_leaves_nothing(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("shutil.copyfileobj", fails)
    with pytest.raises(StoreError, match="No space left"):
        store_data(workspace, upload("a.csv", b"text,label"))
    assert stored(workspace) == set()


def test_free_space_is_known_before_the_workspace_exists(tmp_path: Path) -> None:
    assert uploads.free_bytes(Workspace.at(tmp_path / "a" / "b")) > 0
