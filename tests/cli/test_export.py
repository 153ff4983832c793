"""`export`: copies of artefacts."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from pathlib import Path

from paretoscope.store.store import Store
from tests.cli.test_verbs import Say
from tests.cli.trials import INT8, done
from tests.engine.processes import toy


def test_export_copies_a_folder_or_a_zip_and_overwrites_nothing(
    say: Say, store: Store, tmp_path: Path, refused: Callable[..., str]
) -> None:
    trial = done(store, INT8).trial_id
    to = tmp_path / "out"
    assert say("export", trial, "--to", str(to)) == {"path": str(to)}
    assert (to / "model.onnx").read_bytes() == b"weights"
    assert "exists already" in refused("export", trial, "--to", str(to))
    say("export", trial, "--to", str(tmp_path / "out.zip"))
    assert zipfile.ZipFile(tmp_path / "out.zip").namelist() == ["out/model.onnx"]
    (store.root / "artifacts" / trial / "model.onnx").unlink()
    (store.root / "artifacts" / trial).rmdir()
    assert "make it again" in refused("export", trial, "--to", str(tmp_path / "other"))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out", "out.zip", "workspace"]


def test_the_start_of_an_id_is_enough_where_it_is_the_only_one(
    say: Say, store: Store, tmp_path: Path, refused: Callable[..., str]
) -> None:
    first, second = done(store, INT8).trial_id, store.queue(toy("plain")).trial_id
    say("export", first[:4], "--to", str(tmp_path / "out"))
    assert [job["trial_id"] for job in say("cancel", second[:5], second)["trials"]] == [second]
    assert f'There is no trial "{first[:3]}"' in refused(
        "export", first[:3], "--to", str(tmp_path / "other")
    )


def test_export_of_what_is_not_done_is_refused(
    store: Store, refused: Callable[..., str], tmp_path: Path
) -> None:
    trial = store.queue(toy("plain")).trial_id
    assert "is queued and has no model" in refused("export", trial, "--to", str(tmp_path / "out"))
