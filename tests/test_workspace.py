"""Files and folders appear whole or not at all, and the workspace is where the environment says."""

from __future__ import annotations

from pathlib import Path

import pytest

from paretoscope.workspace import SHIPPED, Workspace, whole_folder, write_whole


def test_the_workspace_is_the_argument_then_the_variable_then_the_clone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PARETOSCOPE_HOME", str(tmp_path / "home"))
    assert Workspace.at(tmp_path / "given").root == tmp_path / "given"
    assert Workspace.at().root == tmp_path / "home"
    monkeypatch.delenv("PARETOSCOPE_HOME")
    assert Workspace.at().root == SHIPPED / "workspace"


def test_a_database_url_wins(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    assert workspace.database_url == f"sqlite:///{workspace.root}/store.db"
    monkeypatch.setenv("PARETOSCOPE_DATABASE_URL", "postgresql://somewhere/else")
    assert workspace.database_url == "postgresql://somewhere/else"


def test_a_file_is_replaced_whole(tmp_path: Path) -> None:
    path = tmp_path / "new" / "file.txt"
    write_whole(path, "one")
    write_whole(path, b"two")
    assert path.read_text(encoding="utf-8") == "two"
    assert [entry.name for entry in path.parent.iterdir()] == ["file.txt"]


def test_a_failed_write_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "file.txt"
    write_whole(path, "old")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("paretoscope.workspace.os.replace", full)
    with pytest.raises(OSError, match="No space left"):
        write_whole(path, "new")
    assert path.read_text(encoding="utf-8") == "old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["file.txt"]


def test_a_folder_appears_at_the_end_of_the_block(tmp_path: Path) -> None:
    target = tmp_path / "made"
    with whole_folder(target) as making:
        (making / "part").write_text("x", encoding="utf-8")
        assert not target.exists()
    assert (target / "part").is_file()
    assert [entry.name for entry in tmp_path.iterdir()] == ["made"]


def test_a_folder_whose_making_failed_vanishes(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="half way"), whole_folder(tmp_path / "made") as making:
        (making / "part").write_text("x", encoding="utf-8")
        raise RuntimeError("half way")
    assert list(tmp_path.iterdir()) == []


def test_of_two_that_make_the_same_folder_the_first_stays(tmp_path: Path) -> None:
    target = tmp_path / "made"
    with whole_folder(target) as slow:
        (slow / "by").write_text("slow", encoding="utf-8")
        with whole_folder(target) as fast:
            (fast / "by").write_text("fast", encoding="utf-8")
    assert (target / "by").read_text(encoding="utf-8") == "fast"
    assert [entry.name for entry in tmp_path.iterdir()] == ["made"]
