"""The test split on the card of a picked model: result, button and errors."""

from __future__ import annotations

import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest

from paretoscope.dashboard.explore import held_out
from paretoscope.store.store import Store
from paretoscope.trials.format import held_out_in_words
from paretoscope.trials.trial import HeldOut, Quality, TrialDocument
from paretoscope.workspace import Workspace
from tests.dashboard.conftest import Open, words

FOUND = HeldOut(
    quality=Quality(value=0.941, low=0.92, high=0.957, n=804, split="test"),
    opened_at=datetime(2026, 11, 25, tzinfo=UTC),
)


@pytest.fixture
def picked(full: list[TrialDocument], workspace: Workspace) -> str:
    """A measured trial whose model is on this disk."""
    document = full[1]
    assert document.artifact
    folder = workspace.root / document.artifact.path
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "manifest.json").write_text("{}")
    return document.trial_id


def test_the_button_runs_the_command_and_the_card_says_what_it_found(
    open_page: Open,
    picked: str,
    store: Store,
    workspace: Workspace,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    commands: list[list[str]] = []

    def run(command: list[str], **_: object) -> subprocess.CompletedProcess[str]:
        commands.append(command)
        store.record_held_out(picked, FOUND)
        return subprocess.CompletedProcess(command, 0, "", "")

    monkeypatch.setattr(held_out.subprocess, "run", run)
    app = open_page("explore", pick=[picked])
    app.button(key=held_out.key(picked)).click().run()
    assert [command[-5:] for command in commands] == [
        ["--workspace", str(workspace.root), "keep", picked, "--json"]
    ]
    assert held_out_in_words(FOUND) in words(app)
    assert held_out.key(picked) not in [each.key for each in app.button]


def test_what_the_command_complains_about_is_on_the_card(
    open_page: Open, picked: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    complaint = subprocess.CompletedProcess(
        [], 2, "", "paretoscope: The model is gone; make it again.\n"
    )
    monkeypatch.setattr(held_out.subprocess, "run", lambda *_, **__: complaint)
    app = open_page("explore", pick=[picked])
    app.button(key=held_out.key(picked)).click().run()
    assert [each.value for each in app.error] == ["The model is gone; make it again."]


def test_without_the_model_on_this_disk_there_is_nothing_to_judge(
    open_page: Open, full: list[TrialDocument], workspace: Workspace
) -> None:
    assert not Path(workspace.artifacts).exists()
    app = open_page("explore", pick=[full[1].trial_id])
    assert held_out.key(full[1].trial_id) not in [each.key for each in app.button]
