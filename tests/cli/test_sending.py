"""`operators`, `log` and `push`: tables, runs and uploads of trials of the workspace."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import onnx
import pytest

from paretoscope.cli import sending
from paretoscope.cli.parser import main
from paretoscope.integrations import hub
from paretoscope.integrations.mlflow_runs import LoggedRun
from paretoscope.store.store import Store
from paretoscope.trials.study import shipped_study
from paretoscope.trials.trial import TrialDocument
from tests.artifact.test_operators import shared_table
from tests.cli.test_verbs import Say
from tests.cli.trials import HALF, INT8, done
from tests.engine.processes import toy
from tests.integrations.test_hub import FakeHub


@pytest.fixture
def trial(store: Store) -> str:
    """A finished trial whose artefact has a graph, a card and a manifest."""
    trial_id = done(store, INT8).trial_id
    folder = store.root / "artifacts" / trial_id
    onnx.save(shared_table(), folder / "model.onnx")
    (folder / "README.md").write_text("# card")
    (folder / "manifest.json").write_text('{"recipe_id": "abc"}')
    return trial_id


# --- operators ------------------------------------------------------------------------------------


def test_operators_of_a_trial_and_of_a_folder_are_the_same(
    say: Say, store: Store, trial: str, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = store.root / "artifacts" / trial
    found = say("operators", trial[:6])
    assert found == say("operators", str(folder))
    assert found["path"] == str(folder)
    assert (found["nodes"], found["rows"][0]["precision"]) == (6, "4-bit")
    assert sum(row["weight_bytes"] for row in found["rows"]) == found["weight_bytes"]
    assert main(["operators", trial]) == 0
    first, second, *_, last = capsys.readouterr().out.splitlines()
    assert first.split() == ["operator", "count", "precision", "weight", "bytes", "share"]
    assert second.split()[:3] == ["GatherBlockQuantized", "1", "4-bit"]
    assert last.startswith("6 operators,")


def test_operators_of_what_has_no_graph_are_refused(
    store: Store, refused: Callable[..., str], tmp_path: Path
) -> None:
    assert "There is no trial" in refused("operators", "nothing")
    assert "no model.onnx" in refused("operators", str(tmp_path))
    shipped = shipped_study()[0].trial_id
    assert "its model does not" in refused("operators", shipped)


# --- log ------------------------------------------------------------------------------------------


@dataclass
class FakeTracker:
    """Keeps what was logged."""

    uri: str | None
    experiment: str
    logged: list[tuple[TrialDocument, Path | None]] = field(
        default_factory=list[tuple[TrialDocument, Path | None]]
    )

    def log(self, document: TrialDocument, artifact: Path | None) -> LoggedRun:
        self.logged.append((document, artifact))
        files = len(list(artifact.iterdir())) if artifact else 0
        return LoggedRun(document.trial_id, "run", self.experiment, str(self.uri), True, files)


@pytest.fixture
def trackers(monkeypatch: pytest.MonkeyPatch) -> list[FakeTracker]:
    made: list[FakeTracker] = []

    def tracker(uri: str | None, experiment: str) -> FakeTracker:
        made.append(FakeTracker(uri, experiment))
        return made[-1]

    monkeypatch.setattr(sending, "Tracker", tracker)
    return made


def test_log_sends_each_trial_once_with_its_artefact(
    say: Say, store: Store, trial: str, trackers: list[FakeTracker]
) -> None:
    gone = done(store, HALF).trial_id
    folder = store.root / "artifacts" / gone
    (folder / "model.onnx").unlink()
    folder.rmdir()
    shipped = shipped_study()[0].trial_id
    found = say(
        *("log", trial, trial[:8], gone, shipped),
        *("--tracking-uri", "http://host:5000", "--experiment", "team"),
    )
    (tracker,) = trackers
    assert (tracker.uri, tracker.experiment) == ("http://host:5000", "team")
    assert [run["trial_id"] for run in found["runs"]] == [trial, gone, shipped]
    assert [run["files"] for run in found["runs"]] == [3, 0, 0]
    assert [artifact for _, artifact in tracker.logged] == [
        store.root / "artifacts" / trial,
        None,
        None,
    ]


def test_nothing_is_logged_when_one_trial_is_not_there(
    store: Store, trial: str, refused: Callable[..., str], trackers: list[FakeTracker]
) -> None:
    assert "There is no trial" in refused("log", trial, "nothing")
    waiting = store.queue(toy("plain")).trial_id
    assert f"{waiting} is queued and has no results" in refused("log", trial, waiting)
    assert trackers == []


# --- push -----------------------------------------------------------------------------------------


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> FakeHub:
    made = FakeHub()
    monkeypatch.setattr(hub, "_client", lambda: made)
    return made


def test_push_shows_the_files_and_uploads_with_yes(
    trial: str, fake: FakeHub, capsys: pytest.CaptureFixture[str]
) -> None:
    given = ["push", trial, "--to", "org/name", "--private", "--revision", "v2", "--yes"]
    assert main(given) == 0
    printed = capsys.readouterr()
    assert printed.out == "https://huggingface.co/org/name/commit/1\n"
    assert "3 files" in printed.err
    assert "model.onnx" in printed.err
    assert [name for name, _ in fake.calls] == ["create_repo", "create_branch", "upload_folder"]
    assert fake.calls[0][1]["private"] is True


def test_push_without_a_confirmation_sends_nothing(
    say: Say, trial: str, fake: FakeHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setattr(sys, "stdin", Terminal("n\n"))
    found = say("push", trial, "--to", "org/name")
    assert (found["pushed"], found["url"], fake.calls) == (False, None, [])
    monkeypatch.setattr(sys, "stdin", Terminal("y\n"))
    assert say("push", trial, "--to", "org/name", "--pull-request")["pushed"]
    monkeypatch.setattr(sys, "stdin", io.StringIO("y\n"))
    fake.calls.clear()
    assert main(["push", trial, "--to", "org/name"]) == 2
    assert fake.calls == []


def test_push_of_the_shipped_study_says_how_to_make_the_model(
    store: Store, fake: FakeHub, refused: Callable[..., str]
) -> None:
    shipped = shipped_study()[0].trial_id
    assert "Make it here" in refused("push", shipped, "--to", "org/name", "--yes")
    assert fake.calls == []
