"""Deleting with undo: what moves, what comes back, and what is never touched."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from paretoscope.errors import StoreError
from paretoscope.library import trash
from paretoscope.library.entry_list import Entry, add, entries
from paretoscope.workspace import Workspace


@pytest.fixture
def folder(workspace: Workspace) -> Path:
    """An artefact of 3 bytes."""
    path = workspace.artifacts / "abc"
    path.mkdir(parents=True)
    (path / "model.onnx").write_bytes(b"123")
    return path


def entry(name: str) -> Entry:
    return Entry(kind="model", name=name, added_at=datetime(2026, 3, 1, tzinfo=UTC))


def test_what_is_deleted_comes_back(folder: Path, workspace: Workspace) -> None:
    added = entry("/elsewhere/model")
    add(workspace, added)
    gone = trash.delete(workspace, "a model", paths=[folder], entries=[added])
    assert not folder.exists()
    assert entries(workspace) == ()
    assert trash.deleted(workspace) == (gone,)
    assert gone.size_bytes == 3
    trash.restore(workspace, gone)
    assert (folder / "model.onnx").read_bytes() == b"123"
    assert entries(workspace) == (added,)
    assert trash.deleted(workspace) == ()


def test_files_outside_the_workspace_are_never_moved(tmp_path: Path, workspace: Workspace) -> None:
    outside = tmp_path / "mine"
    outside.mkdir()
    workspace.artifacts.mkdir(parents=True)
    link = workspace.artifacts / "link"
    link.symlink_to(outside)
    paths = [outside, link, workspace.root, workspace.artifacts / ".." / ".." / "mine"]
    gone = trash.delete(workspace, "x", paths=paths)
    assert gone.paths == ()
    assert outside.is_dir()
    assert link.is_symlink()


def test_emptying_frees_the_space(folder: Path, workspace: Workspace) -> None:
    trash.delete(workspace, "x", paths=[folder])
    assert trash.empty(workspace) > 3
    assert trash.deleted(workspace) == ()
    assert {path.name for path in workspace.root.iterdir()} <= {"artifacts", "library.json"}
    assert trash.empty(workspace) == 0


def test_a_newer_artefact_is_kept_when_an_older_one_is_restored(
    folder: Path, workspace: Workspace
) -> None:
    gone = trash.delete(workspace, "x", paths=[folder])
    folder.mkdir()
    trash.restore(workspace, gone)
    assert list(folder.iterdir()) == []


def test_a_workspace_that_cannot_be_written_is_an_error(folder: Path, workspace: Workspace) -> None:
    (workspace.root / trash.FOLDER).write_text("in the way")
    with pytest.raises(StoreError, match="cannot be moved"):
        trash.delete(workspace, "x", paths=[folder])
    assert folder.is_dir()
