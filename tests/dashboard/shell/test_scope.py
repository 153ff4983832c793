"""Scope and links: machines, conditions and studies that never share an axis."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import parse_qs

import pytest
from streamlit.testing.v1 import AppTest

from paretoscope.dashboard.explore import selection_tray
from paretoscope.dashboard.explore.recommendation import models_left
from paretoscope.dashboard.parts import study_note
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
    assert study_note.SEPARATE in words(app)
    assert app.session_state["picks"] == [demo[2].trial_id]


def test_a_link_to_another_model_leads_there(
    open_page: Open, full: list[TrialDocument], store: Store
) -> None:
    app = open_page("explore")
    other = document(Quantize(), model="minilm-sms", task="sms", machine=full[0].machine or MACHINE)
    follow(app, address(fill(store, [other])[0]))
    assert "minilm-sms on sms" in words(app)
    assert rings(app) == [1, 1]


def test_the_demo_study_shows_its_machine_and_date(
    open_page: Open, demo: list[TrialDocument]
) -> None:
    app = open_page("explore")
    text = words(app)
    assert study_note.SEPARATE in text
    assert study_note.models(7) in text
    assert "01 Mar 2026" in text
    assert any("Test CPU" in str(chart["layout"]) for chart in charts(app))
    assert app.button(key="make_best")


def test_two_machines_never_share_an_axis(
    open_page: Open, demo: list[TrialDocument], store: Store
) -> None:
    mine = fill(store, here()[:2])
    app = open_page("explore")
    assert ids(charts(app)[0]) == {each.trial_id for each in mine}
    assert study_note.SEPARATE not in words(app)
    app.selectbox(key="machine").set_value("demo-cafe0123cafe").run()
    assert study_note.SEPARATE in words(app)
    assert "Test CPU" in str(charts(app)[0]["layout"])


def test_few_own_points_leave_the_study_one_click_away_and_back(
    open_page: Open, demo: list[TrialDocument], store: Store
) -> None:
    mine = fill(store, here()[:2])
    app = open_page("explore")
    assert ids(charts(app)[0]) == {each.trial_id for each in mine}
    (study,) = [each for each in measured_on("minilm-trec", "trec") if each.demo]
    assert study_note.few_models(2, study) in words(app)
    app.button(key=study_note.SWITCH).click().run()
    assert study_note.SEPARATE in words(app)
    assert models_left(2, 2) not in words(app)
    assert app.query_params["machine"] == "demo-cafe0123cafe"
    assert study_note.models(2) in app.button(key=study_note.SWITCH).label
    app.button(key=study_note.SWITCH).click().run()
    assert ids(charts(app)[0]) == {each.trial_id for each in mine}
    assert "machine" not in app.query_params


def test_models_are_counted_alike_here_and_in_the_study(
    open_page: Open, demo: list[TrialDocument], store: Store
) -> None:
    fill(store, here()[1:2])  # its baseline comes along
    app = open_page("explore")
    (study,) = [each for each in measured_on("minilm-trec", "trec") if each.demo]
    assert study_note.few_models(2, study) in words(app)
    app.button(key=study_note.SWITCH).click().run()
    assert study_note.models(2) in app.button(key=study_note.SWITCH).label
    app.button(key=study_note.SWITCH).click().run()
    assert models_left(1, 2) in words(app) or models_left(2, 2) in words(app)


def test_with_enough_own_points_the_study_is_not_offered(
    open_page: Open, demo: list[TrialDocument], full: list[TrialDocument]
) -> None:
    assert study_note.SWITCH not in [each.key for each in open_page("explore").button]


def test_conditions_are_scopes_of_their_own(
    open_page: Open, full: list[TrialDocument], store: Store
) -> None:
    slow = here()[1]
    assert slow.latency
    batched = slow.model_copy(
        update={
            "trial_id": "batched00000",
            "latency": slow.latency.model_copy(update={"batch": 16}),
        }
    )
    enqueue(store, *slow.recipe.stages, model="minilm-trec", task="movies")
    (row,) = store.claim()
    store.finish(row.trial_id, row.attempts, batched)
    app = open_page("explore")
    assert "batched00000" not in ids(charts(app)[0])
    app.selectbox(key="at").set_value("16-32-2").run()
    assert ids(charts(app)[0]) == {"batched00000", "batched00000-baseline"}


def test_a_study_from_an_equal_machine_stays_apart(
    open_page: Open,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    store: Store,
    engine_starts: list[bool],
) -> None:
    ship(monkeypatch, tmp_path / "study.json.gz", here())
    app = open_page("explore")
    assert len(ids(charts(app)[0])) == 7
    assert study_note.SEPARATE in words(app)
    mine = fill(store, here()[:2])
    app.run()
    assert ids(charts(app)[0]) == {each.trial_id for each in mine}


def test_another_model_starts_with_its_own_task(open_page: Open, store: Store) -> None:
    app = open_page("explore", task="movies")
    assert app.selectbox(key="task").value == "movies"
    app.selectbox(key="model").set_value("minilm-sms").run()
    assert app.selectbox(key="task").value == "sms"
    assert "minilm-sms on sms" in words(app)


def test_the_link_to_copy_restores_the_view(open_page: Open, full: list[TrialDocument]) -> None:
    app = open_page("explore")
    app.slider(key="size").set_value(30.0).run()
    link = next(code.value for code in app.code if "?" in code.value)
    query = parse_qs(link.split("?")[1])
    again = open_page("explore", **query)
    assert again.slider(key="size").value == 30.0
    assert query["model"] == ["minilm-trec"]
