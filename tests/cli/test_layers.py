"""`profile` and `sensitivity`: what they refuse, and where a scan is stored."""

from __future__ import annotations

from pathlib import Path

import pytest

from paretoscope.cli.parser import main
from paretoscope.layers import results
from paretoscope.layers.sensitivity import Sensitivity
from paretoscope.sources.resolve import resolve_model
from paretoscope.tasks.resolve import resolve_task
from paretoscope.trials.study import shipped_study
from paretoscope.workspace import Workspace
from tests.tiny.factory import make_tiny


def refused(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert main(list(arguments)) == 2
    return capsys.readouterr().err.strip()


def test_a_trial_without_artefact_is_not_profiled(capsys: pytest.CaptureFixture[str]) -> None:
    trial = next(each.trial_id for each in shipped_study() if not each.recipe.stages)
    assert "its model does not" in refused(capsys, "profile", trial)
    assert "There is no trial" in refused(capsys, "profile", "abcdef")
    assert "--to" in refused(capsys, "profile", "abcdef", "abcde0", "--to", "a.json")


def test_a_language_model_is_not_scanned(capsys: pytest.CaptureFixture[str]) -> None:
    assert "classifiers only" in refused(capsys, "sensitivity", "smollm2-135m")


def test_a_scan_is_stored_by_content_and_in_the_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = str(make_tiny("bert", tmp_path / "tiny", labels=("no", "yes")))
    data = tmp_path / "own.csv"
    words = (("bad poor", "no"), ("good fine", "yes"))
    rows = [f"{words[at % 2][0]} text {at},{words[at % 2][1]}" for at in range(400)]
    data.write_text("\n".join(["text,label", *rows]))
    to = tmp_path / "scan.json"
    arguments = ["sensitivity", model, "--task", str(data), "--texts", "8", "--to", str(to)]
    assert main(arguments) == 0, capsys.readouterr().err
    shown = capsys.readouterr().out
    found = results.read(to, Sensitivity)
    assert found is not None
    assert found.texts == 8
    assert "Layer 0 · FFN up" in shown
    task = resolve_task(str(data), architecture="classifier")
    stored = results.sensitivity_path(Workspace.at(), resolve_model(model).key, task.key, 8)
    assert results.read(stored, Sensitivity) == found
