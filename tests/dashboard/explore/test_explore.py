"""Explore: the answer first, limits that count, picks that stay, and machines that never mix."""

from __future__ import annotations

import json
from pathlib import Path
from urllib.parse import parse_qs

import pytest
from streamlit.testing.v1 import AppTest

from paretoscope.dashboard.shell.scope import address
from paretoscope.machine import fingerprint
from paretoscope.recipes.stages import Quantize
from paretoscope.store.store import Store
from paretoscope.trials.trial import TrialDocument, TrialRequest
from tests.dashboard.conftest import Open, ask, button, fill, here, ship, words
from tests.documents import MACHINE, document

ELSEWHERE = here()[0].machine


@pytest.fixture
def demo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[TrialDocument]:
    """A shipped study from the machine "Test CPU"."""
    machine = document().machine
    documents = [each.model_copy(update={"machine": machine}) for each in here()]
    ship(monkeypatch, tmp_path / "study.json.gz", documents)
    return documents


def charts(app: AppTest) -> list[dict[str, object]]:
    """The plotly figures of the page, as they are sent."""
    return [json.loads(element.proto.spec) for element in app.get("plotly_chart")]


def ids(chart: dict[str, object]) -> set[str]:
    traces = chart["data"]
    assert isinstance(traces, list)
    return {row[0] for trace in traces for row in trace.get("customdata", [])}


def test_an_empty_store_offers_the_one_button_that_changes_that(
    open_page: Open, store: Store, engine_starts: list[bool]
) -> None:
    app = open_page("explore")
    assert "Nothing of minilm-trec on trec has been measured here yet" in words(app)
    button(app, "Measure it here (about 3 min)").click().run()
    assert [row.request.recipe.in_words() for row in store.trials()][:2] == [
        "fp32 baseline",
        "int8 dynamic",
    ]
    assert len(store.trials()) == 5
    assert engine_starts == [True]
    assert "The first of 5 models is on its way" in words(app)


def test_the_recommendation_comes_first_and_says_why(
    open_page: Open, full: list[TrialDocument]
) -> None:
    app = open_page("explore")
    said = words(app)
    assert "Take **" in said
    assert "p = .08: no clear loss" in said
    assert "Runner-up: **" in said
    assert len(charts(app)) == 2
    assert all(ids(chart) == {each.trial_id for each in full} for chart in charts(app))


def test_a_limit_lowers_the_number_of_models_left(
    open_page: Open, full: list[TrialDocument]
) -> None:
    app = open_page("explore")
    assert "6 of 7 models left" in words(app)  # 4-bit weights lose 3 points, the limit is 2
    app.slider(key="drop").set_value(10.0).run()
    assert "7 of 7 models left" in words(app)
    app.slider(key="size").set_value(20.0).run()
    assert "3 of 7 models left" in words(app)
    assert not app.exception


def test_limits_in_the_link_are_restored(open_page: Open, full: list[TrialDocument]) -> None:
    app = open_page("explore", drop="10.0", size="20.0")
    assert app.slider(key="drop").value == 10.0
    assert "3 of 7 models left" in words(app)


def test_what_else_shall_be_better_has_its_limit_while_it_is_chosen(
    open_page: Open, full: list[TrialDocument]
) -> None:
    app = open_page("explore", drop="10.0")
    assert [slider.label for slider in app.slider] == [
        "Accuracy drop at most",
        "Size on disk at most",
        "p50 at most",
    ]
    app.button_group(key="objectives").set_value(
        ["quality", "size_bytes", "latency_p50_ms", "peak_memory_bytes", "energy_j"]
    ).run()
    assert [slider.label for slider in app.slider][3:] == [
        "Peak memory at most",
        "Energy per request at most",
    ]
    app.slider(key="memory").set_value(40.0).run()
    assert "3 of 7 models left" in words(app)
    assert "memory ≤ 40.0 MB" in words(app)
    assert "memory" in app.query_params
    app.button_group(key="objectives").set_value(["quality", "size_bytes"]).run()
    assert "7 of 7 models left" in words(app)
    assert "memory" not in app.query_params
    again = open_page(
        "explore", drop="10.0", memory="40", objectives=["quality", "peak_memory_bytes"]
    )
    assert again.slider(key="memory").value == 40.0
    assert "3 of 7 models left" in words(again)


def test_a_limit_that_nothing_meets_is_named(open_page: Open, full: list[TrialDocument]) -> None:
    app = open_page("explore", drop="0.0", size="18.0")
    said = words(app)
    assert "No model meets every limit." in said
    assert "is too tight by" in said


def test_a_picked_point_says_what_dominates_it(open_page: Open, full: list[TrialDocument]) -> None:
    pruned = next(each for each in full if each.recipe.in_words() == "magnitude 50 %")
    app = open_page("explore", pick=[pruned.trial_id, "unknown-id"])
    said = words(app)
    assert "#### Picked (1)" in said
    assert "Dominated by **" in said
    button(app, "Drop").click().run()
    assert "#### Picked" not in words(app)
    assert "pick" not in app.query_params


def test_the_tray_leads_to_compare(open_page: Open, full: list[TrialDocument]) -> None:
    app = open_page("explore", pick=[full[1].trial_id, full[2].trial_id])
    button(app, "Compare").click().run()
    assert not app.exception
    assert "## Compare models of minilm-trec on trec" in words(app)
    assert app.query_params["pick"] == [full[1].trial_id, full[2].trial_id]


def test_axes_are_any_two_metrics(open_page: Open, full: list[TrialDocument]) -> None:
    app = open_page("explore")
    app.selectbox(key="ax").set_value("peak_memory_bytes").run()
    app.selectbox(key="ay").set_value("latency_p50_ms").run()
    app.toggle(key="alog").set_value(True).run()
    assert not app.exception
    assert "#### Latency p50 against peak memory" in words(app)
    layout = charts(app)[0]["layout"]
    assert isinstance(layout, dict)
    assert layout["xaxis"]["type"] == "log"


def test_fewer_objectives_are_another_front(open_page: Open, full: list[TrialDocument]) -> None:
    app = open_page("explore")
    assert "no other beats in accuracy, size on disk, latency p50" in words(app)
    app.button_group(key="objectives").set_value(["quality", "size_bytes"]).run()
    assert "no other beats in accuracy, size on disk." in words(app)


def test_a_strategy_that_is_hidden_is_nowhere(open_page: Open, full: list[TrialDocument]) -> None:
    app = open_page("explore")
    pruned = next(each for each in full if each.recipe.in_words() == "magnitude 50 %")
    app.session_state["picks"] = [pruned.trial_id]
    app.button_group(key="show").set_value(["quantization"]).run()
    assert "Its strategy is switched off above." in words(app)
    assert len(ids(charts(app)[0])) == 4  # three quantized ones and the baseline, which stays
    assert len(app.dataframe[0].value) == 4


def follow(app: AppTest, query: list[tuple[str, str]]) -> AppTest:
    """What a link within the page does: the query is the link's alone, the session stays."""
    for key in list(app.query_params):
        del app.query_params[key]
    for key, value in query:
        app.query_params[key] = value
    app.switch_page("pages/explore.py").run()
    assert not app.exception
    return app


def rings(app: AppTest) -> list[int]:
    """How many points of each plot are ringed."""
    traces = [trace for chart in charts(app) for trace in chart["data"]]  # type: ignore[union-attr]
    return [len(trace["x"]) for trace in traces if trace.get("name") == "Picked"]


def test_a_link_within_the_page_rings_its_point_whatever_was_looked_at(
    open_page: Open, demo: list[TrialDocument], store: Store
) -> None:
    mine = fill(store, here()[:2])
    app = open_page("explore")
    app.button_group(key="show").set_value([]).run()
    app.selectbox(key="machine").set_value("demo-cafe0123cafe").run()
    follow(app, address(mine[1]))
    assert rings(app) == [1, 1]
    assert "#### Picked (1)" in words(app)
    assert ids(charts(app)[0]) == {each.trial_id for each in mine}
    assert "anew" not in app.query_params
    app.run()
    assert app.session_state["picks"] == [mine[1].trial_id]
    follow(app, address(demo[2], demo=True))
    assert "A demo study" in words(app)
    assert app.session_state["picks"] == [demo[2].trial_id]


def test_a_link_to_another_model_leads_there(
    open_page: Open, full: list[TrialDocument], store: Store
) -> None:
    app = open_page("explore")
    other = document(Quantize(), model="minilm-sms", task="sms", machine=full[0].machine or MACHINE)
    follow(app, address(fill(store, [other])[0]))
    assert "minilm-sms on sms" in words(app)
    assert rings(app) == [1, 1]


def test_a_pick_of_a_recipe_measured_twice_is_its_one_point(open_page: Open, store: Store) -> None:
    longer = document(Quantize(), protocol="standard", machine=fingerprint())
    quick = document(Quantize(), machine=fingerprint())
    fill(store, [longer])
    store.queue(
        TrialRequest(model=quick.model, task="trec", recipe=quick.recipe, protocol="standard")
    )
    (row,) = store.claim()
    store.finish(row.trial_id, row.attempts, quick.model_copy(update={"trial_id": "again0000000"}))
    app = open_page("explore", pick=["again0000000"])
    assert rings(app) == [1, 1]
    assert app.session_state["picks"] == [longer.trial_id]


def test_shipped_points_say_whose_they_are(open_page: Open, demo: list[TrialDocument]) -> None:
    app = open_page("explore")
    said = words(app)
    assert "A demo study of 7 models from **another machine**: Test CPU, 2 cores" in said
    assert "01 Mar 2026" in said
    assert any("Test CPU" in str(chart["layout"]) for chart in charts(app))
    assert any(each.label == "Make it here" for each in app.button)


def test_two_machines_never_share_an_axis(
    open_page: Open, demo: list[TrialDocument], store: Store
) -> None:
    mine = fill(store, here()[:2])
    app = open_page("explore")
    assert ids(charts(app)[0]) == {each.trial_id for each in mine}
    assert "A demo study" not in words(app)
    app.selectbox(key="machine").set_value("demo-cafe0123cafe").run()
    assert "A demo study of 7 models from **another machine**" in words(app)
    assert "Test CPU" in str(charts(app)[0]["layout"])


def test_few_own_points_leave_the_study_one_click_away_and_back(
    open_page: Open, demo: list[TrialDocument], store: Store
) -> None:
    mine = fill(store, here()[:2])
    app = open_page("explore")
    assert ids(charts(app)[0]) == {each.trial_id for each in mine}
    assert (
        "2 models of this machine so far. The demo study has 7: Test CPU, 2 cores, VNNI, 01 Mar"
        " 2026." in words(app)
    )
    button(app, "Show the demo study").click().run()
    assert "A demo study of 7 models from **another machine**" in words(app)
    assert "2 of 2 models left" not in words(app)
    assert app.query_params["machine"] == "demo-cafe0123cafe"
    button(app, "Back to this machine (2 models)").click().run()
    assert ids(charts(app)[0]) == {each.trial_id for each in mine}
    assert "machine" not in app.query_params


def test_models_are_counted_alike_on_both_sides(
    open_page: Open, demo: list[TrialDocument], store: Store
) -> None:
    fill(store, here()[1:2])  # its baseline comes along
    app = open_page("explore")
    assert "2 models of this machine so far." in words(app)
    button(app, "Show the demo study").click().run()
    button(app, "Back to this machine (2 models)").click().run()
    assert "1 of 2 models left" in words(app) or "2 of 2 models left" in words(app)


def test_under_the_plots_only_marks_that_are_there_are_explained(
    open_page: Open, store: Store
) -> None:
    fill(store, here()[:2])
    said = words(open_page("explore"))
    assert "Solid: 2 that no other beats" in said
    assert not any(word in said for word in ("Lighter:", "Faint:", "Hollow:", "The knee is"))


def test_a_knee_beside_the_recommendation_is_explained(
    open_page: Open, full: list[TrialDocument]
) -> None:
    said = words(open_page("explore", drop="0"))
    assert "Hollow: " in said
    assert (
        "The knee is of the two metrics of its plot, the recommendation by all that *Better means*"
        " names." in said
    )


def test_with_enough_own_points_the_study_is_not_offered(
    open_page: Open, demo: list[TrialDocument], full: list[TrialDocument]
) -> None:
    assert "other_side" not in [each.key for each in open_page("explore").button]


def test_it_says_by_what_it_judges(open_page: Open, full: list[TrialDocument]) -> None:
    app = open_page("explore")
    assert "By accuracy, size and p50, with at most 2 points lost:" in words(app)
    app.button_group(key="objectives").set_value(["quality", "size_bytes"]).run()
    app.slider(key="drop").set_value(1.0).run()
    assert "By accuracy and size, with at most 1 point lost:" in words(app)


def test_noisy_sittings_are_marked_in_the_table(open_page: Open, store: Store) -> None:
    calm, loud = here()[:2]
    assert loud.latency
    fill(
        store,
        [
            calm,
            loud.model_copy(update={"latency": loud.latency.model_copy(update={"noisy": True})}),
        ],
    )
    table = open_page("explore").dataframe[0].value
    assert dict(zip(table["Model"], table["Sitting"], strict=True))["■ int8 dynamic"] == "noisy"
    assert sum(table["Sitting"] == "noisy") == 1


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
    ask(store, *slow.recipe.stages, model="minilm-trec", task="movies")
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
    assert "A demo study of 7 models from **a machine like this one**" in words(app)
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
