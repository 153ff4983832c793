"""The public functions, as a notebook uses them."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest

import paretoscope
from paretoscope import Recipe, catalog, compress, frontier
from paretoscope.api import measured
from paretoscope.engine.client import ensure_engine, stop_engine
from paretoscope.errors import EngineError, ParetoscopeError
from paretoscope.recipes.stages import Quantize
from paretoscope.sources.ref import ModelRef
from paretoscope.trials.progress import Progress
from paretoscope.trials.request import TrialRequest
from paretoscope.workspace import PROJECT, Workspace
from tests import documents
from tests.engine.processes import TOY, toy


@pytest.fixture
def engine(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """An engine for which every model is a toy."""

    def request(model: str, recipe: Recipe, **_: object) -> TrialRequest:
        return toy(model).model_copy(update={"recipe": recipe})

    monkeypatch.setattr(catalog, "request", request)
    monkeypatch.setattr(catalog, "check", lambda *_: None)
    monkeypatch.setattr(
        measured, "resolve_model", lambda name: ModelRef(name=name, kind="folder", key=name)
    )
    ensure_engine(workspace, function=TOY)
    yield
    stop_engine(workspace)


def test_compress_measures_and_frontier_compares(
    engine: None, workspace: Workspace, tmp_path: Path
) -> None:
    seen: list[Progress] = []
    base = compress("plain", Recipe(), workspace=workspace.root, progress=seen.append)
    assert base.status == "done"
    assert base.artifact
    assert all(isinstance(progress, Progress) for progress in seen)
    assert compress("plain", Recipe(), workspace=workspace.root) == base, "from the store"
    assert base.folder == workspace.root / base.artifact.path
    assert "figure" not in base.to_json()

    path = tmp_path / "int8.yaml"
    path.write_text("stages: [{kind: quantize}]")
    int8 = compress("plain", path, workspace=workspace.root)
    assert int8.recipe == Recipe(stages=(Quantize(),))

    found = frontier("plain", objectives=["quality", "size_bytes"], workspace=workspace.root)
    assert {base.trial_id, int8.trial_id} <= set(found.points)
    assert found.points[int8.trial_id].name == "int8"
    assert [objective.key for objective in found.objectives] == ["quality", "size_bytes"]
    assert set(found.on_front) | set(found.dominated) == set(found.points)
    assert [row.id for row in found.table] == [base.trial_id, int8.trial_id]


def test_a_failed_trial_is_an_error(engine: None, workspace: Workspace) -> None:
    with pytest.raises(EngineError, match=r"failed: The toy is broken"):
        compress("fails", Recipe(), workspace=workspace.root)


def test_the_front_of_the_shipped_study(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    shipped = [documents.document(model="minilm-trec"), documents.document(Quantize())]
    monkeypatch.setattr(measured, "shipped_study", lambda: shipped)
    found = frontier("minilm-trec", workspace=workspace.root)
    assert set(found.points) == {document.trial_id for document in shipped}
    assert [objective.key for objective in found.objectives] == [
        "quality",
        "size_bytes",
        "latency_p50_ms",
    ]
    with pytest.raises(ParetoscopeError, match="accuracy!"):
        frontier("minilm-trec", objectives=["accuracy!"], workspace=workspace.root)


def test_importing_the_package_loads_nothing() -> None:
    code = (
        "import sys, paretoscope; assert set(paretoscope._PUBLIC) <= set(dir(paretoscope));"
        "print([name for name in sys.modules if name.startswith(('paretoscope.', 'pydantic'))])"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code], cwd=PROJECT, capture_output=True, text=True, check=True
    )
    assert ran.stdout.strip() == "[]"


def test_the_folder_frontier_does_not_hide_the_function() -> None:
    import_module("paretoscope.frontier.points")
    assert paretoscope.frontier is frontier
    assert callable(frontier)
    assert not hasattr(paretoscope, "nothing")
