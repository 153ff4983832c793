"""`share`: chosen trials with their front in one file."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from paretoscope.cli import chosen, finding
from paretoscope.recipes.stages import PruneWeights, Quantize
from paretoscope.report.points_data import Json, decoded
from paretoscope.store.store import Store
from tests import documents
from tests.cli.test_verbs import Say
from tests.cli.trials import HALF, INT8, done
from tests.engine.processes import toy


def _chapters(path: Path) -> list[Json]:
    (data,) = re.findall(r'id="data">(.*?)</script>', path.read_text(encoding="utf-8"))
    return decoded(data)["chapters"]


def test_the_file_has_the_whole_front_and_marks_the_shared_trials(
    toys: None, say: Say, store: Store, tmp_path: Path
) -> None:
    base, int8, half = done(store, {}), done(store, INT8), done(store, HALF)
    path = tmp_path / "share.html"
    found = say("share", half.trial_id[:6], "--to", str(path))
    assert (found["trials"], found["models"]) == ([half.trial_id], 3)
    assert found["bytes"] == path.stat().st_size
    (chapter,) = _chapters(path)
    assert set(chapter["ids"]) == {base.trial_id, int8.trial_id, half.trial_id}
    assert [chapter["ids"][each] for each in chapter["picked"]] == [half.trial_id]


def test_trials_of_the_study_and_of_several_scopes_become_chapters(
    toys: None, say: Say, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shipped = [documents.document(), documents.document(Quantize())]
    other = documents.document(PruneWeights(), model="minilm-movies", task="movies")
    for module in (chosen, finding):
        monkeypatch.setattr(module, "shipped_study", lambda: [*shipped, other])
    mine = done(store, INT8)
    path = tmp_path / "share.html"
    say("share", shipped[1].trial_id, mine.trial_id, "--to", str(path))
    study, own = (set(chapter["ids"]) for chapter in _chapters(path))
    assert study == {each.trial_id for each in shipped}
    assert mine.trial_id in own
    assert other.trial_id not in own


def test_what_is_not_measured_or_cannot_be_written_is_refused(
    toys: None, store: Store, tmp_path: Path, refused: Callable[..., str]
) -> None:
    finished = done(store, INT8)
    waiting = store.queue(toy("plain")).trial_id
    assert f"Trial {waiting} is queued" in refused("share", waiting, "--to", "x.html")
    assert "nowhere" in refused("share", "nowhere", "--to", "x.html")
    (tmp_path / "file").write_text("in the way")
    to = str(tmp_path / "file" / "share.html")
    assert "cannot be written" in refused("share", finished.trial_id, "--to", to)
