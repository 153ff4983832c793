"""Pages run by streamlit's AppTest in a temporary workspace, without browser or engine."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import pytest
import streamlit as st
from streamlit.runtime.pages_manager import PagesManager
from streamlit.testing.v1 import AppTest

from paretoscope.dashboard.shell import data
from paretoscope.library import Entry, add
from paretoscope.machine import fingerprint
from paretoscope.recipes.recipe import Recipe
from paretoscope.recipes.stages import AnyStage, Distill, PruneStructure, PruneWeights, Quantize
from paretoscope.store.store import Store
from paretoscope.tasks.ref import DataOptions
from paretoscope.trials import study
from paretoscope.trials.request import Conditions, TrialRequest
from paretoscope.trials.trial import TrialDocument
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
    """Isolate each test from other stores and from the shipped study."""
    st.cache_data.clear()
    st.cache_resource.clear()
    monkeypatch.setattr(study, "STUDY", tmp_path / "no-study.json.gz")


@pytest.fixture(autouse=True)
def _warm_server(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep AppTest from running pages/ without app.py.

    Before every run it resets the flag that `st.navigation` has set, which a server does not. Tests
    of the first visit to a server use `cold_server`.
    """
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
    """Records engine starts instead of starting one."""
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
    """Replace the shipped study by these documents."""
    with gzip.open(path, "wt", encoding="utf-8") as file:
        json.dump({"about": "test", "trials": [each.to_json() for each in documents]}, file)
    monkeypatch.setattr(study, "STUDY", path)


def fill(store: Store, documents: Sequence[TrialDocument]) -> list[TrialDocument]:
    for each in documents:
        at = each.measured_under[1] or Conditions()
        request = TrialRequest(
            model=each.model,
            task=each.task,
            recipe=each.recipe,
            protocol=each.protocol,
            conditions=at,
        )
        store.queue(request)
        (row,) = store.claim()
        assert store.finish(row.trial_id, row.attempts, each)
    return list(documents)


def own(kind: Literal["model", "data"], name: str, **options: Any) -> None:
    """Add a model, or a data file with its options, to the library of the workspace."""
    day = datetime(2026, 3, 1, tzinfo=UTC)
    add(Workspace.at(), Entry(kind=kind, name=name, options=DataOptions(**options), added_at=day))


def enqueue(store: Store, *stages: AnyStage, model: str = "minilm-trec", task: str = "trec") -> str:
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


@pytest.fixture
def demo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[TrialDocument]:
    """A shipped study from the machine "Test CPU"."""
    machine = document().machine
    documents = [each.model_copy(update={"machine": machine}) for each in here()]
    ship(monkeypatch, tmp_path / "study.json.gz", documents)
    return documents


def charts(app: AppTest) -> list[dict[str, Any]]:
    """The plotly figures of the page, as they are sent."""
    return [json.loads(element.proto.spec) for element in app.get("plotly_chart")]


def ids(chart: dict[str, Any]) -> set[str]:
    """The trial ids of the points of a plot."""
    return {row[0] for trace in chart["data"] for row in trace.get("customdata", [])}


def rings(app: AppTest) -> list[int]:
    """The number of ringed points in each plot."""
    traces = [trace for chart in charts(app) for trace in chart["data"]]
    return [len(trace["x"]) for trace in traces if trace.get("name") == "Picked"]
