"""Sidebar and deep links, which may reach a page before app.py has run."""

from __future__ import annotations

import subprocess
import sys

import pytest
from streamlit.testing.v1 import AppTest
from streamlit.util import calc_hash

from paretoscope.dashboard.shell import engine_status
from paretoscope.recipes.stages import Quantize
from paretoscope.store.store import Store
from paretoscope.trials.trial import TrialDocument
from paretoscope.workspace import PROJECT
from tests.dashboard.conftest import Open, enqueue, words


@pytest.mark.usefixtures("cold_server")
@pytest.mark.parametrize(
    ("page", "widget"),
    [
        ("explore", "report"),
        ("compare", "compared"),
        ("impact", "impact_models"),
        ("layers", "ly_model"),
        ("compress", "compress"),
        ("jobs", ""),
    ],
)
def test_a_deep_link_into_a_new_server_gets_the_sidebar_and_keeps_its_query(
    page: str, widget: str, full: list[TrialDocument]
) -> None:
    app = AppTest.from_file(str(PROJECT / "app.py"), default_timeout=60)
    app.query_params["drop"] = "5.0"
    app.query_params["pick"] = [full[1].trial_id, full[2].trial_id]
    app.switch_page(f"pages/{page}.py").run()
    assert not app.exception
    assert not widget or widget in app.session_state
    assert app.session_state["model"] == "minilm-trec"
    assert app.query_params["pick"] == [full[1].trial_id, full[2].trial_id]
    assert "resume" not in app.query_params


def test_the_first_page_has_an_address_too_and_it_keeps_the_query(
    full: list[TrialDocument],
) -> None:
    app = AppTest.from_file(str(PROJECT / "app.py"), default_timeout=60)
    app.query_params["drop"] = "5.0"
    app._page_hash = calc_hash("explore")  # what a browser asks for at /explore
    app.run()
    assert not app.exception
    assert app.slider(key="drop_slider").value == 5.0


def test_a_server_starts_without_complaints_about_its_own_caches() -> None:
    done = subprocess.run(
        [sys.executable, "-c", "from paretoscope.dashboard.__main__ import _warm; _warm()"],
        capture_output=True,
        text=True,
        cwd=PROJECT,
        check=True,
    )
    assert done.stderr == ""


def test_an_engine_that_is_down_is_said_with_what_waits(
    open_page: Open, store: Store, engine_starts: list[bool]
) -> None:
    enqueue(store, Quantize())
    app = open_page("explore")
    assert engine_status.stopped(1) in words(app)
    app.button(key="start_engine").click().run()
    assert engine_starts == [True]


def test_an_engine_at_work_is_a_line_with_a_link(open_page: Open, store: Store) -> None:
    store.engine_started(1, stays=True)
    enqueue(store, Quantize())
    enqueue(store, Quantize(scheme="int8-static"))
    app = open_page("explore")
    assert "0 of 2 measured" in [link.proto.label for link in app.get("page_link")]
    assert not any(each.key == "start_engine" for each in app.button)


def test_a_workspace_that_cannot_be_opened_is_a_card(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PARETOSCOPE_HOME", "/proc/nowhere")
    app = AppTest.from_file(str(PROJECT / "app.py"), default_timeout=60).run()
    assert not app.exception
    assert "The workspace cannot be opened." in app.error[0].value
