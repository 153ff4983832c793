"""Trials of tiny models give the same files under the same keys as when the golden files were
recorded (`python -m tests.contract.record`)."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tarfile
from collections.abc import Iterator
from dataclasses import replace
from importlib import metadata
from pathlib import Path
from typing import Any, cast

import pytest

from paretoscope.api import measured
from paretoscope.catalog import request
from paretoscope.cli.parser import main
from paretoscope.engine.pipeline import run_trial
from paretoscope.machine import fingerprint
from paretoscope.measure import generation, latency
from paretoscope.recipes.file import parse_recipe
from paretoscope.sources.resolve import resolve_model
from paretoscope.store.store import Store
from paretoscope.trials.request import Conditions, TrialRequest
from paretoscope.trials.trial import TrialDocument
from paretoscope.workspace import Workspace
from tests.contract.golden_files import GOLDEN, as_recorded, check_expected_bytes, golden
from tests.tiny.factory import make_tiny

SENTENCES = ("reason", "notes")
"""Keys of a frontier document that hold sentences."""
FACTORIES = {"make_tiny": make_tiny, "make_tiny_decoder": make_tiny}


TRIALS: dict[str, Any] = golden("artifacts.json")["trials"]
TINY = [
    model
    for model, content in golden("expected_bytes.json").items()
    if content["factory"] != "builtin"
]


@pytest.fixture(scope="module", autouse=True)
def quickly() -> Iterator[None]:
    """Latency is no part of the contract, so it is hardly taken."""
    short = replace(latency.PLANS["quick"], turns=1, warm_up_s=0.0, least_s=0.01, most_s=0.05)
    few = replace(generation.PLANS["quick"], turns=1, new_tokens=4, warm_up_s=0.0, requests=2)
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(latency.PLANS, "quick", short)
        patch.setitem(generation.PLANS, "quick", few)
        yield


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the tiny models and the data; skips where they come out otherwise."""
    folder = tmp_path_factory.mktemp("contract")
    for name in ("own.csv", "own.txt"):
        shutil.copyfile(GOLDEN / name, folder / name)
    for family, how in golden("artifacts.json")["models"].items():
        made = FACTORIES[how["factory"]](family, folder / "models" / family, **how["options"])
        if resolve_model(str(made)).key != how["model_key"]:
            reason = made_elsewhere("data")
            assert reason, f"the tiny {family} has another key than when it was recorded"
            pytest.skip(f"the tiny {family} may have other weights here: {reason}")
    return folder


@pytest.fixture(scope="module")
def workspace(place: Path) -> Workspace:
    return Workspace.at(place / "workspace")


def asked(place: Path, name: str) -> TrialRequest:
    """The request of a trial of the contract."""
    row = TRIALS[name]
    return request(
        str(place / "models" / row["model"]),
        parse_recipe(row["recipe"]),
        task=str(place / golden("artifacts.json")["models"][row["model"]]["task"]),
        conditions=Conditions(**golden("artifacts.json")["made_with"]["conditions"]),
    )


def entries(workspace: Workspace) -> list[Path]:
    return [entry for entry in workspace.cache.glob("*") if not entry.name.startswith(".")]


def run(wanted: TrialRequest, workspace: Workspace) -> tuple[TrialDocument, set[str]]:
    """The document of a trial and the cache entries that it used."""
    for entry in entries(workspace):
        os.utime(entry, (0, 0))
    document = run_trial(wanted, workspace, lambda progress: None)
    return document, {entry.name for entry in entries(workspace) if entry.stat().st_mtime > 0}


def holding(workspace: Workspace, used: set[str], file: str) -> list[str]:
    """Those of the used entries that hold a file."""
    return sorted(name for name in used if (workspace.cache / name / file).is_file())


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def made_elsewhere(kind: str) -> str:
    """Why the bytes of a graph may differ here; nothing when they must not.

    Rounding and cutting weights gives the same bytes on all processors, what looks at activations
    or gradients on one alone, and training may differ with the number of threads.
    """
    made_with = golden("artifacts.json")["made_with"]
    for package, version in made_with["packages"].items():
        if metadata.version(package) != version:
            return f"made with {package} {version}"
    if kind == "trained":
        return "training may differ in the last bits"
    here = fingerprint()
    same = (here.cpu, list(here.flags), here.cores) == tuple(
        made_with[name] for name in ("cpu", "flags", "cores")
    )
    return "" if kind == "weights" or same else "made on another processor"


@pytest.mark.parametrize("name", TRIALS)
def test_a_trial_gives_the_same_files_under_the_same_keys(
    name: str, place: Path, workspace: Workspace
) -> None:
    row = TRIALS[name]
    wanted = asked(place, name)
    assert wanted.trial_id == row["trial_id"]
    assert wanted.task_key == row["task_key"]
    document, used = run(wanted, workspace)
    assert document.recipe_id == row["recipe_id"]
    assert holding(workspace, used, "seconds.txt") == row["stage_keys"]
    assert set(row["array_keys"]) == set(holding(workspace, used, "array.npy"))
    folder = workspace.artifacts / document.trial_id
    found = {file: sha256(folder / file) for file in row["sha256"]}
    reason = made_elsewhere(row["kind"])
    graphs = ("model.onnx", "model.onnx.data") if reason else ()
    differ = [file for file, digest in row["sha256"].items() if found[file] != digest]
    assert [file for file in differ if file not in graphs] == []


def without_words(document: Any) -> Any:
    """A JSON document without the sentences in it, which may be reworded."""
    if isinstance(document, dict):
        items = cast("dict[str, Any]", document).items()
        return {key: without_words(value) for key, value in items if key not in SENTENCES}
    if isinstance(document, list):
        return [without_words(each) for each in cast("list[Any]", document)]
    return document


@pytest.mark.parametrize("family", ["bert", "llama"])
def test_the_frontier_of_an_old_workspace(
    family: str,
    place: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with tarfile.open(GOLDEN / "workspace.tar.gz") as archive:
        archive.extractall(tmp_path, filter="data")
    model, root = str(place / "models" / family), str(tmp_path / "workspace")
    store = Store.open(Workspace.at(root))
    documents = [each for each in store.documents() if each.model.endswith(f"/{family}")]
    store.close()
    # The keys of own models are others now; what is tested is what documents become.
    monkeypatch.setattr(measured, "_own", lambda *_: documents)
    capsys.readouterr()
    assert main(["frontier", model, "--json", "--workspace", root]) == 0
    found = as_recorded(json.loads(capsys.readouterr().out))
    assert without_words(found) == without_words(golden("workspace.json")["frontier"][family])


@pytest.mark.parametrize("model", TINY)
def test_expected_bytes_of_tiny_models(model: str, tmp_path: Path) -> None:
    content = golden("expected_bytes.json")[model]
    made = FACTORIES[content["factory"]](model, tmp_path / model, **content["options"])
    ref = resolve_model(str(made))
    check_expected_bytes(content, ref)
