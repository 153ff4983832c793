"""Scope and links: machines, conditions and studies that never share an axis."""

from __future__ import annotations

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from paretoscope.dashboard.explore import selection_tray
from paretoscope.dashboard.shell import header
from paretoscope.dashboard.shell.machines import measured_on
from paretoscope.dashboard.shell.scope import address
from paretoscope.recipes.stages import Quantize
from paretoscope.store.store import Store
from paretoscope.trials.trial import TrialDocument
from tests.dashboard.conftest import Open, charts, enqueue, fill, here, ids, rings, ship, words
from tests.documents import MACHINE, document


def follow(app: AppTest, query: list[tuple[str, str]]) -> AppTest:
    """What a link within the page does: the query is the link's alone, the session stays."""
    for key in list(app.query_params):
        del app.query_params[key]
    for key, value in query:
        app.query_params[key] = value
    app.switch_page("pages/explore.py").run()
    assert not app.exception
    return app


def test_a_link_within_the_page_rings_its_point_whatever_was_looked_at(
    open_page: Open, demo: list[TrialDocument], store: Store
) -> None:
    mine = fill(store, here()[:2])
    app = open_page("explore")
    app.button_group(key="show").set_value([]).run()
    app.selectbox(key="machine").set_value("demo-cafe0123cafe").run()
    follow(app, address(mine[1]))
    assert rings(app) == [1, 1]
    assert selection_tray.heading(1) in words(app)
    assert ids(charts(app)[0]) == {each.trial_id for each in mine}
    assert "anew" not in app.query_params
    app.run()
    assert app.session_state["picks"] == [mine[1].trial_id]
    follow(app, address(demo[2], demo=True))
    assert app.session_state["machine"] == "demo-cafe0123cafe"
    assert app.session_state["picks"] == [demo[2].trial_id]


def test_a_link_to_another_model_leads_there(
    open_page: Open, full: list[TrialDocument], store: Store
) -> None:
    app = open_page("explore")
    other = document(Quantize(), model="minilm-sms", task="sms", machine=full[0].machine or MACHINE)
    follow(app, address(fill(store, [other])[0]))
    assert app.query_params["model"] == "minilm-sms"
    assert rings(app) == [1, 1]


def test_the_demo_study_names_its_machine_and_date_once(
    open_page: Open, demo: list[TrialDocument]
) -> None:
    app = open_page("explore")
    (study,) = [each for each in measured_on("minilm-trec", "trec") if each.demo]
    assert study.in_words().startswith("Demo machine")
    assert "01 Mar 2026" in study.described()
    assert any(study.described() in text.value for text in app.caption)
    assert app.button(key="make_best")


def test_two_machines_never_share_an_axis(
    open_page: Open, demo: list[TrialDocument], store: Store
) -> None:
    mine = fill(store, here()[:2])
    app = open_page("explore")
    assert ids(charts(app)[0]) == {each.trial_id for each in mine}
    app.selectbox(key="machine").set_value("demo-cafe0123cafe").run()
    assert ids(charts(app)[0]) == {each.trial_id for each in demo}
    assert app.query_params["machine"] == "demo-cafe0123cafe"


def test_conditions_are_scopes_of_their_own(
    open_page: Open, full: list[TrialDocument], store: Store
) -> None:
    slow = here()[1]
    assert slow.latency
    batched = slow.model_copy(
        update={
            "latency": slow.latency.model_copy(update={"batch": 16}),
        }
    )
    enqueue(store, *slow.recipe.stages, model="minilm-trec", task="movies")
    (row,) = store.claim()
    store.finish(row.trial_id, row.attempts, batched)
    app = open_page("explore")
    assert row.trial_id not in ids(charts(app)[0])
    app.selectbox(key="at").set_value("16-32-2").run()
    assert ids(charts(app)[0]) == {row.trial_id, f"{row.trial_id}-baseline"}


def test_the_address_keeps_the_study_that_it_showed(
    open_page: Open, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, store: Store
) -> None:
    ship(monkeypatch, tmp_path / "study.json.gz", here())
    app = open_page("explore")
    shown = ids(charts(app)[0])
    assert len(shown) == 7
    address_then = {key: app.query_params[key] for key in app.query_params}
    fill(store, here()[:2])
    app.run()
    assert ids(charts(app)[0]) == shown
    again = open_page("explore", **address_then)
    assert ids(charts(again)[0]) == shown


@pytest.mark.parametrize(
    ("key", "value"),
    [("model", "org/unknown"), ("model", "/etc"), ("task", "/etc/passwd"), ("machine", "0123")],
)
def test_a_link_names_what_this_workspace_does_not_have_and_fetches_nothing(
    key: str,
    value: str,
    open_page: Open,
    full: list[TrialDocument],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("paretoscope.sources.resolve.fetch", lambda name: pytest.fail("fetched"))
    app = open_page("explore", **{key: value})
    assert header.in_words({key: value}) in app.error[0].value
    assert app.selectbox(key="model").value == "minilm-trec"
    app.button(key="close_missing").click().run()
    assert not app.error


def test_another_model_starts_with_its_own_task(open_page: Open, store: Store) -> None:
    app = open_page("explore", task="movies")
    assert app.selectbox(key="task").value == "movies"
    app.selectbox(key="model").set_value("minilm-sms").run()
    assert app.selectbox(key="task").value == "sms"
    assert "SMS spam filter" in words(app)


def test_the_link_to_copy_restores_the_view(open_page: Open, full: list[TrialDocument]) -> None:
    app = open_page("explore")
    app.slider(key="size_slider").set_value(30.0).run()
    query = {key: app.query_params[key] for key in app.query_params}
    again = open_page("explore", **query)
    assert again.slider(key="size_slider").value == 30.0
    assert query["model"] == "minilm-trec"
