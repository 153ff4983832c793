"""A read-only dashboard: everything can be seen, nothing that acts works, however it is called."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from paretoscope.dashboard.compare import generation_playground
from paretoscope.dashboard.explore import held_out
from paretoscope.dashboard.library import uploading, using
from paretoscope.dashboard.parts import runs
from paretoscope.dashboard.shell import data, permissions
from paretoscope.dashboard.shell.engine_status import READ_ONLY
from paretoscope.errors import ParetoscopeError
from paretoscope.library import entries
from paretoscope.recipes.stages import Quantize
from paretoscope.store.store import Store
from paretoscope.tasks.ref import DEFAULT_OPTIONS
from paretoscope.trials.request import TrialRequest
from paretoscope.trials.trial import TrialDocument
from paretoscope.workspace import Workspace
from tests.dashboard.conftest import Open, enqueue, words

REQUEST = TrialRequest(model="minilm-trec", task="trec")
NO_SETTINGS: Any = None
ACTS: dict[str, Callable[[str], object]] = {
    "queue": lambda _: data.queue([REQUEST]),
    "queue in the store": lambda _: data.store().queue(REQUEST),
    "check a model": lambda _: data.check_model("/somewhere/model"),
    "start the engine": lambda _: data.start_engine(),
    "cancel": lambda trial_id: data.store().request_cancel(trial_id),
    "retry": lambda trial_id: data.store().retry(trial_id),
    "prioritize": lambda trial_id: data.store().prioritize(trial_id, 1),
    "open the test split": held_out._evaluate,  # pyright: ignore[reportPrivateUsage]
    "generate": lambda _: generation_playground._generate(  # pyright: ignore[reportPrivateUsage]
        "Once",
        NO_SETTINGS,
        generation_playground.Session({}, {}, {}),
    ),
}


@pytest.fixture
def read_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PARETOSCOPE_READ_ONLY", "1")


@pytest.mark.parametrize("act", ACTS)
def test_what_acts_is_refused_and_changes_nothing(
    act: str, store: Store, engine_starts: list[bool], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        held_out.subprocess, "run", lambda *_, **__: pytest.fail("a process was started")
    )
    trial_id = enqueue(store, Quantize())
    before = store.version()
    monkeypatch.setenv("PARETOSCOPE_READ_ONLY", "1")
    with pytest.raises(ParetoscopeError, match="read-only"):
        ACTS[act](trial_id)
    assert store.version() == before
    assert not engine_starts


def test_no_path_of_the_server_is_read_and_no_upload_is_kept(
    workspace: Workspace, store: Store, read_only: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The controls are disabled; their callbacks are called as a forged message would."""
    state: dict[str, Any] = {}
    monkeypatch.setattr(st, "session_state", state)
    using.use("/etc", "/etc/passwd", DEFAULT_OPTIONS)
    assert "model" not in state
    assert entries(workspace) == ()
    with pytest.raises(ParetoscopeError, match="read-only"):
        uploading.stored(SimpleNamespace(file_id="1", name="mine.csv", getvalue=bytes))
    assert not workspace.uploads.exists()


def test_the_sidebar_says_so_and_acting_buttons_are_disabled(
    open_page: Open, full: list[TrialDocument], store: Store, read_only: None
) -> None:
    enqueue(store, Quantize(scheme="weight-only", bits=3))
    for page in ("explore", "compress", "jobs"):
        app = open_page(page)
        assert READ_ONLY in words(app)
        assert app.button(key="start_engine").disabled
        assert app.button(key="start_engine").help == permissions.READ_ONLY
    assert app.button(key=next(_keys(app, "drop_"))).disabled
    compress = open_page("compress")
    assert compress.button(key="compress").disabled


def _keys(app: AppTest, start: str) -> Iterator[str]:
    return (str(each.key) for each in app.button if str(each.key).startswith(start))


def test_a_link_only_selects(
    open_page: Open, full: list[TrialDocument], store: Store, read_only: None
) -> None:
    before = store.version()
    app = open_page("compress", model="/etc/passwd", task="/etc/passwd")
    assert "root:" not in words(app)
    assert store.version() == before


def test_otherwise_everything_acts(store: Store, engine_starts: list[bool]) -> None:
    assert permissions.may_act()
    trial_id = enqueue(store, Quantize())
    data.start_engine()
    runs.cancel(trial_id)
    assert store.trial(trial_id).status == "cancelled"
    assert engine_starts == [True]
