"""Pages run by streamlit's AppTest over a workspace of their own, without a browser and without an
engine.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
import streamlit as st
from streamlit.runtime.pages_manager import PagesManager
from streamlit.testing.v1 import AppTest

from paretoscope.dashboard.shell import data
from paretoscope.machine import fingerprint
from paretoscope.recipes.recipe import Recipe
from paretoscope.recipes.stages import AnyStage, Distill, PruneStructure, PruneWeights, Quantize
from paretoscope.store.store import Store
from paretoscope.trials import study
from paretoscope.trials.trial import TrialDocument, TrialRequest
from paretoscope.workspace import PROJECT, Workspace
from tests.documents import document

Open = Callable[..., AppTest]

MODELS: tuple[tuple[tuple[AnyStage, ...], float, float, int], ...] = (
    ((), 0.96, 1.0, 91_000_000),
    ((Quantize(),), 0.955, 2.0, 23_000_000),
    ((Quantize(scheme="int8-static"),), 0.951, 2.2, 23_000_000),
    ((Quantize(scheme="weight-only", bits=4),), 0.93, 1.1, 18_000_000),
    ((PruneWeights(sparsity=0.5),), 0.95, 1.0, 91_000_000),
    ((PruneStructure(ratio=0.5), Quantize()), 0.945, 2.9, 20_000_000),
    ((Distill(layers=3), Quantize()), 0.94, 4.1, 17_000_000),
)
"""(stages, accuracy, speed-up, bytes): int8 and what is smaller or faster is on the front, pruned
weights are dominated.
"""


@pytest.fixture(autouse=True)
def _fresh_caches(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No page sees another test's store, and no shipped study unless a test gives one."""
    st.cache_data.clear()
    st.cache_resource.clear()
    monkeypatch.setattr(study, "STUDY", tmp_path / "no-study.json.gz")


@pytest.fixture(autouse=True)
def _warm_server(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """AppTest forgets before every run that app.py has called `st.navigation`, so that pages/ would
    be run without it. A server forgets nothing; tests of the first visit to a new one ask for
    `cold_server`."""
    if "cold_server" in request.fixturenames:
        return
    original = PagesManager.__init__

    def remembered(self: PagesManager, *args: object, **kwargs: object) -> None:
        original(self, *args, **kwargs)  # type: ignore[arg-type]
        PagesManager.uses_pages_directory = False

    monkeypatch.setattr(PagesManager, "__init__", remembered)


@pytest.fixture
def cold_server() -> None:
    """A server in which app.py has never run."""


@pytest.fixture(autouse=True)
def engine_starts(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """Every wish for an engine, in place of an engine."""
    starts: list[bool] = []
    monkeypatch.setattr(data, "ensure_engine", lambda workspace, *, stays: starts.append(stays))
    return starts


@pytest.fixture
def store(workspace: Workspace) -> Store:
    return Store.open(workspace)


@pytest.fixture
def full(store: Store) -> list[TrialDocument]:
    """A store with seven models that this machine measured."""
    return fill(store, here())


def here() -> list[TrialDocument]:
    return [
        document(*stages, quality=q, speedup=s, size=b, machine=fingerprint())
        for stages, q, s, b in MODELS
    ]


def ship(monkeypatch: pytest.MonkeyPatch, path: Path, documents: list[TrialDocument]) -> None:
    """Have a study of these documents ship."""
    with gzip.open(path, "wt", encoding="utf-8") as file:
        json.dump({"about": "test", "trials": [each.to_json() for each in documents]}, file)
    monkeypatch.setattr(study, "STUDY", path)


def fill(store: Store, documents: Sequence[TrialDocument]) -> list[TrialDocument]:
    for each in documents:
        store.queue(TrialRequest(model=each.model, task=each.task, recipe=each.recipe))
        (row,) = store.claim()
        assert store.finish(row.trial_id, row.attempts, each)
    return list(documents)


def ask(store: Store, *stages: AnyStage, model: str = "minilm-trec", task: str = "trec") -> str:
    """Queue a trial; its id."""
    return store.queue(TrialRequest(model=model, task=task, recipe=Recipe(stages=stages))).trial_id


@pytest.fixture
def open_page() -> Open:
    """Opens a page by name, in the frame of app.py, with query parameters."""

    def opened(name: str, **query: str | list[str]) -> AppTest:
        app = AppTest.from_file(str(PROJECT / "app.py"), default_timeout=60)
        for key, value in query.items():
            app.query_params[key] = value
        app.run()
        if name != "explore":
            app.switch_page(f"pages/{name}.py").run()
        assert not app.exception, [error.value for error in app.exception]
        return app

    return opened


def words(app: AppTest) -> str:
    """All texts of the page."""
    texts = [*app.markdown, *app.caption, *app.error, *app.warning]
    return "\n".join(str(element.value) for element in texts)
