"""Models that are kept: judged on the test split once, on the artefact that was measured, beside
its baseline.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from paretoscope import catalog
from paretoscope.engine.held_out import BASELINE, MODEL, evaluate_held_out
from paretoscope.engine.pipeline import run_trial
from paretoscope.errors import ArtifactError
from paretoscope.measure import quality
from paretoscope.recipes.file import parse_recipe
from paretoscope.store.store import Store
from paretoscope.tasks.load import export_split, load_task
from paretoscope.tasks.resolve import resolve_task
from paretoscope.trials.trial import TrialDocument
from paretoscope.workspace import PROJECT, Workspace
from tests.tiny.factory import make_tiny

HALF = parse_recipe({"stages": [{"kind": "prune-structure", "target": "ffn", "ratio": 0.5}]})


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace in which one trial of a tiny model is done, beside its model and data."""
    folder = tmp_path_factory.mktemp("keeping")
    make_tiny("bert", folder / "model")
    generator = np.random.default_rng(0)
    words = (
        "what who where when how many good bad film plot question city country name year".split()
    )
    rows = [
        f"{' '.join(generator.choice(words, size=6))} {number},{'ab'[number % 2]}"
        for number in range(240)
    ]
    (folder / "own.csv").write_text("text,label\n" + "\n".join(rows), encoding="utf-8")
    workspace = Workspace.at(folder / "workspace")
    request = catalog.request(str(folder / "model"), HALF, task=str(folder / "own.csv"))
    store = Store.open(workspace)
    store.queue(request)
    (claimed,) = store.claim()
    assert store.finish(
        claimed.trial_id, claimed.attempts, run_trial(request, workspace, lambda progress: None)
    )
    store.close()
    return folder


@pytest.fixture
def store(place: Path) -> Store:
    return Store.open(Workspace.at(place / "workspace"))


def the_trial(store: Store) -> TrialDocument:
    (document,) = store.documents()
    return document


def test_a_kept_model_is_judged_once_on_texts_that_no_curve_has_seen(
    place: Path, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = the_trial(store)
    reports: list[tuple[str, int, int]] = []
    kept = evaluate_held_out(
        Workspace.at(place / "workspace"), store, before.trial_id, lambda *at: reports.append(at)
    )
    assert list(dict.fromkeys(graph for graph, _, _ in reports)) == [BASELINE, MODEL]
    for graph in (BASELINE, MODEL):
        counts = [(done, of) for found, done, of in reports if found == graph]
        assert counts[0] == (0, 0)
        assert counts == sorted(counts)
        assert counts[-1][0] == counts[-1][1] > 0
    found = kept.held_out
    assert found and found.baseline and found.paired
    assert found.quality.split == found.baseline.split == "test"
    assert found.paired.gained - found.paired.lost == round(
        (found.quality.value - found.baseline.value) * found.quality.n
    )
    assert kept.model_copy(update={"held_out": None}) == before
    assert the_trial(store) == kept

    def opened_again(*_: object, **__: object) -> None:
        raise AssertionError("the test split was opened twice")

    monkeypatch.setattr(quality, "evaluate", opened_again)
    assert evaluate_held_out(Workspace.at(place / "workspace"), store, before.trial_id) == kept


def test_the_script_of_the_artefact_finds_the_same_on_the_exported_split(
    place: Path, store: Store, tmp_path: Path
) -> None:
    kept = evaluate_held_out(Workspace.at(place / "workspace"), store, the_trial(store).trial_id)
    assert kept.held_out and kept.artifact
    export_split(
        load_task(resolve_task(str(place / "own.csv")), ("a", "b")), "test", tmp_path / "test.jsonl"
    )
    command = [
        sys.executable,
        str(place / "workspace" / kept.artifact.path / "run.py"),
        "--evaluate",
        str(tmp_path / "test.jsonl"),
    ]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert (
        said.strip()
        == f"accuracy {kept.held_out.quality.value:.4f} on {kept.held_out.quality.n} examples"
    )


def test_the_command_keeps_and_says_what_it_found(place: Path, store: Store) -> None:
    trial_id = the_trial(store).trial_id
    command = [
        sys.executable,
        "-m",
        "paretoscope",
        "--workspace",
        str(place / "workspace"),
        "keep",
        trial_id[:8],
    ]
    said = subprocess.run(
        [*command, "--json"], capture_output=True, text=True, check=True, cwd=PROJECT
    ).stdout
    (told,) = json.loads(said)["trials"]
    found = the_trial(store).held_out
    assert found and told["held_out"]["quality"]["value"] == found.quality.value
    assert (
        "test split"
        in subprocess.run(command, capture_output=True, text=True, check=True, cwd=PROJECT).stdout
    )


def test_without_its_files_the_split_stays_closed(
    place: Path, store: Store, tmp_path: Path
) -> None:
    document = the_trial(store).model_copy(update={"held_out": None})
    elsewhere = Store.open(Workspace.at(tmp_path / "elsewhere"))
    request = store.trial(document.trial_id).request
    elsewhere.queue(request)
    with pytest.raises(ArtifactError, match="is queued and has no model"):
        evaluate_held_out(Workspace.at(tmp_path / "elsewhere"), elsewhere, document.trial_id)
    (claimed,) = elsewhere.claim()
    assert document.artifact
    moved = document.artifact.model_copy(update={"path": "artifacts/gone"})
    assert elsewhere.finish(
        claimed.trial_id, claimed.attempts, document.model_copy(update={"artifact": moved})
    )
    with pytest.raises(ArtifactError, match="is missing at"):
        evaluate_held_out(Workspace.at(tmp_path / "elsewhere"), elsewhere, document.trial_id)
    assert elsewhere.document(document.trial_id).held_out is None
