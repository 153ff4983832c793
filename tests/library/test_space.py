"""Used space by kind, with hard links counted once, and deleting the cache."""

from __future__ import annotations

import os

from paretoscope.library.space import clear_cache, used
from paretoscope.workspace import Workspace


def filled(workspace: Workspace) -> Workspace:
    for name, size in (("artifacts/a/model.onnx", 1000), ("logs/a.log", 10), ("store.db", 7)):
        path = workspace.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x" * size)
    entry = workspace.cache / "key"
    entry.mkdir(parents=True)
    os.link(workspace.artifacts / "a" / "model.onnx", entry / "model.onnx")
    (entry / "array.npy").write_bytes(b"x" * 300)
    return workspace


def test_every_file_is_counted_once(workspace: Workspace) -> None:
    found = used(filled(workspace))
    assert {kind: size for kind, size in found.items() if size} == {
        "artifacts": 1000,
        "cache": 300,
        "logs": 10,
        "other": 7,
    }


def test_an_empty_workspace_uses_nothing(workspace: Workspace) -> None:
    assert sum(used(workspace).values()) == 0


def test_deleting_the_cache_keeps_artefacts_and_locks(workspace: Workspace) -> None:
    locks = filled(workspace).cache / ".locks"
    locks.mkdir()
    assert clear_cache(workspace) == 300
    assert list(workspace.cache.iterdir()) == [locks]
    assert (workspace.artifacts / "a" / "model.onnx").stat().st_size == 1000
