"""A whole trial of each reference point on a tiny model: measured, packed, run and cached."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest

from paretoscope import catalog
from paretoscope.engine import build
from paretoscope.engine.pipeline import run_trial
from paretoscope.recipes.file import parse_recipe
from paretoscope.recipes.stages.reference import LABELS
from paretoscope.tasks.load import export_split, load_task
from paretoscope.tasks.resolve import resolve_task
from paretoscope.trials.progress import Progress
from paretoscope.trials.request import TrialRequest
from paretoscope.trials.trial import TrialDocument
from paretoscope.workspace import Workspace
from tests.tiny.factory import make_tiny

WORDS = ("good country free love".split(), "bad city win call".split())


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny model, and 240 texts whose label shows in their words."""
    folder = tmp_path_factory.mktemp("references")
    make_tiny("bert", folder / "model")
    random = np.random.default_rng(0)
    texts = [
        f"{' '.join(random.choice(WORDS[number % 2], size=5))} film {number},{'ab'[number % 2]}"
        for number in range(240)
    ]
    (folder / "own.csv").write_text("text,label\n" + "\n".join(texts), encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def workspace(place: Path) -> Workspace:
    return Workspace.at(place / "workspace")


def request_for(place: Path, features: str) -> TrialRequest:
    recipe = parse_recipe({"stages": [{"kind": "reference", "features": features}]})
    return catalog.request(str(place / "model"), recipe, task=str(place / "own.csv"))


@pytest.fixture(scope="module", params=LABELS)
def done(
    request: pytest.FixtureRequest, place: Path, workspace: Workspace
) -> tuple[TrialDocument, list[Progress]]:
    seen: list[Progress] = []
    return run_trial(request_for(place, request.param), workspace, seen.append), seen


def test_it_is_measured_as_every_model_is(done: tuple[TrialDocument, list[Progress]]) -> None:
    document, seen = done
    assert document.quality and document.quality.value == 1.0
    assert document.paired and document.speedup and document.memory and document.latency
    assert document.artifact and document.baseline
    assert document.artifact.size_bytes < document.baseline.artifact.size_bytes
    assert len(document.stage_seconds) == 1
    assert document.stage_seconds[0] > 0
    assert max(each.stage_number for each in seen) == seen[0].stage_count


def test_its_artefact_runs_by_itself(
    done: tuple[TrialDocument, list[Progress]], place: Path, tmp_path: Path
) -> None:
    document, _ = done
    assert document.artifact and document.quality
    folder = Path(document.artifact.path)
    graph = onnx.load(folder / "model.onnx").graph
    assert [each.name for each in graph.input] == ["input_ids", "attention_mask"]
    assert [each.name for each in graph.output] == ["logits"]
    manifest = json.loads((folder / "manifest.json").read_text())
    assert manifest["torch_difference"] < 1e-5
    task = load_task(resolve_task(str(place / "own.csv")), ("a", "b"))
    export_split(task, "validation", tmp_path / "validation.jsonl")
    for arguments, expected in (
        (["--check"], "32 of 32 answers agree"),
        (["--evaluate", str(tmp_path / "validation.jsonl")], "accuracy 1.0000"),
        (["bad city win"], "b  "),
    ):
        said = subprocess.run(
            [sys.executable, "run.py", *arguments],
            cwd=folder,
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        assert expected in said


def test_it_is_fitted_once(
    done: tuple[TrialDocument, list[Progress]],
    place: Path,
    workspace: Workspace,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    document, _ = done
    monkeypatch.setattr(build, "apply", lambda module: pytest.fail(f"{module} ran again"))
    [stage] = document.recipe.stages
    again = run_trial(
        request_for(place, stage.canonical().get("features", "tf-idf")), workspace, lambda _: None
    )
    assert again.quality == document.quality
    assert again.stage_seconds == document.stage_seconds
