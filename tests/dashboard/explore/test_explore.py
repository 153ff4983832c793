"""Explore: recommendation, limits, picked models, and scopes that never share an axis."""

from __future__ import annotations

import pytest
from streamlit.testing.v1 import AppTest

from paretoscope.dashboard.explore import answer, limits, more_views, plots, selection_tray
from paretoscope.dashboard.explore.result import Result
from paretoscope.dashboard.explore.table_columns import FRONT, MODEL, ON_FRONT, REFERENCE, SESSION
from paretoscope.dashboard.explore.view import models_left
from paretoscope.dashboard.parts import empty_states, first_runs
from paretoscope.frontier.front import front
from paretoscope.frontier.limits import MaxDrop, judged_by
from paretoscope.frontier.points import Point, objectives
from paretoscope.frontier.recommend import recommend
from paretoscope.machine import fingerprint
from paretoscope.recipes.stages import Quantize, Reference
from paretoscope.report.plain_answer import sentence
from paretoscope.report.tables.table import rows
from paretoscope.store.store import Store
from paretoscope.trials.axes import DROP_POINTS
from paretoscope.trials.trial import MetricValue, TrialDocument
from tests.dashboard.conftest import Open, charts, fill, here, ids, rings, words
from tests.documents import document


def test_an_empty_store_offers_the_one_button_that_changes_that(
    open_page: Open, store: Store, engine_starts: list[bool]
) -> None:
    app = open_page("explore")
    app.button(key=first_runs.KEY).click().run()
    assert [row.request.recipe.in_words() for row in store.trials()][:2] == [
        "fp32 baseline",
        "int8 dynamic",
    ]
    assert len(store.trials()) == 7
    assert engine_starts == [True]
    assert empty_states.queued(7) in words(app)


def test_the_answer_comes_first_in_plain_words_and_why_is_a_click_away(
    open_page: Open, full: list[TrialDocument]
) -> None:
    app = open_page("explore")
    table = {row.id: row for row in rows(full)}
    points = [row.named_point for row in table.values()]
    chosen = objectives("quality", "size_bytes", "latency_p50_ms")
    drop = [MaxDrop(DROP_POINTS / 100)]
    best = recommend(points, drop, chosen, points[0])
    assert app.markdown[1].value == f"### {sentence(table[best.best or ''])}"
    assert len(charts(app)) == 2
    assert all(ids(chart) == {each.trial_id for each in full} for chart in charts(app))
    why = answer.reasons(Result(front(points, chosen), best), table, judged_by(chosen, drop))
    assert why not in words(app)
    app.session_state[answer.WHY] = True
    app.run()
    assert why in words(app)


def test_the_plots_show_the_change_from_the_original_on_axes_of_ratios(
    open_page: Open, full: list[TrialDocument]
) -> None:
    for chart in charts(open_page("explore")):
        assert chart["layout"]["xaxis"]["type"] == "log"
        assert "Accuracy change" in chart["layout"]["yaxis"]["title"]["text"]


def test_only_named_and_picked_points_have_error_bars(
    open_page: Open, full: list[TrialDocument]
) -> None:
    pruned = next(each for each in full if each.recipe.in_words() == "magnitude 50 %")
    for picks, expected in (([], False), ([pruned.trial_id], True)):
        (trace,) = [
            trace
            for trace in charts(open_page("explore", pick=picks))[0]["data"]
            if [pruned.trial_id] in trace.get("customdata", [])
        ]
        at = trace["customdata"].index([pruned.trial_id])
        bars = trace["error_y"]["array"]
        assert bool(bars and bars[at]) == expected


def test_a_typed_limit_may_lie_between_the_steps_of_its_slider(
    open_page: Open, full: list[TrialDocument]
) -> None:
    app = open_page("explore", drop="10.0")
    app.number_input(key="size_typed").set_value(19.99).run()
    assert models_left(2, 7) in words(app)
    assert app.query_params["size"] == "19.99"
    app.number_input(key="size_typed").set_value(None).run()
    assert models_left(7, 7) in words(app)
    assert "size" not in app.query_params
    app.slider(key="size_slider").set_value(20.0).run()
    assert app.number_input(key="size_typed").value == 20.0
    app.button(key=limits.RESET).click().run()
    assert models_left(6, 7) in words(app)


def test_the_list_of_points_picks_without_a_mouse(
    open_page: Open, full: list[TrialDocument]
) -> None:
    app = open_page("explore")
    app.multiselect(key=plots.LIST).set_value([full[1].trial_id]).run()
    assert app.session_state["picks"] == [full[1].trial_id]
    assert rings(app) == [1, 1]


def test_a_limit_excludes_models(open_page: Open, full: list[TrialDocument]) -> None:
    app = open_page("explore")
    assert models_left(6, 7) in words(app)  # 4-bit weights lose 3 points, the limit is 2
    app.slider(key="drop_slider").set_value(10.0).run()
    assert models_left(7, 7) in words(app)
    app.slider(key="size_slider").set_value(20.0).run()
    assert models_left(3, 7) in words(app)
    assert not app.exception


def test_limits_in_the_link_are_restored(open_page: Open, full: list[TrialDocument]) -> None:
    app = open_page("explore", drop="10.0", size="20.0")
    assert app.slider(key="drop_slider").value == 10.0
    assert models_left(3, 7) in words(app)


def test_an_optional_objective_has_a_limit_while_it_is_selected(
    open_page: Open, full: list[TrialDocument]
) -> None:
    app = open_page("explore", drop="10.0")
    assert [slider.key for slider in app.slider] == ["drop_slider", "size_slider", "p50_slider"]
    app.button_group(key="objectives").set_value(
        ["quality", "size_bytes", "latency_p50_ms", "peak_memory_bytes", "energy_j"]
    ).run()
    assert [slider.key for slider in app.slider][3:] == ["memory_slider", "energy_slider"]
    app.slider(key="memory_slider").set_value(40.0).run()
    assert models_left(3, 7) in words(app)
    assert "memory" in app.query_params
    app.button_group(key="objectives").set_value(["quality", "size_bytes"]).run()
    assert models_left(7, 7) in words(app)
    assert "memory" not in app.query_params
    again = open_page(
        "explore", drop="10.0", memory="40", objectives=["quality", "peak_memory_bytes"]
    )
    assert again.slider(key="memory_slider").value == 40.0
    assert models_left(3, 7) in words(again)


def test_a_limit_that_nothing_meets_is_named(open_page: Open, full: list[TrialDocument]) -> None:
    app = open_page("explore", drop="0.0", size="18.0")
    assert answer.NO_MODEL in words(app)
    assert models_left(0, 7) in words(app)
    while loosen := [each for each in app.button if str(each.key).startswith(answer.LOOSEN)]:
        loosen[0].click().run()
    assert answer.NO_MODEL not in words(app)


def test_the_card_of_a_picked_model_names_what_dominates_it(
    open_page: Open, full: list[TrialDocument]
) -> None:
    pruned = next(each for each in full if each.recipe.in_words() == "magnitude 50 %")
    app = open_page("explore", pick=[pruned.trial_id, "unknown-id"])
    assert selection_tray.heading(1) in words(app)
    result = front(
        [row.named_point for row in rows(full)],
        objectives("quality", "size_bytes", "latency_p50_ms"),
    )
    assert result.dominators(pruned.trial_id)
    assert selection_tray.standing(result, pruned.trial_id) in words(app)
    app.button(key=f"drop_{pruned.trial_id}").click().run()
    assert app.session_state["picks"] == []
    assert "pick" not in app.query_params


def test_the_tray_leads_to_compare(open_page: Open, full: list[TrialDocument]) -> None:
    app = open_page("explore", pick=[full[1].trial_id, full[2].trial_id])
    app.button(key=selection_tray.COMPARE).click().run()
    assert not app.exception
    assert app.multiselect(key="compared").value == app.query_params["pick"]
    assert app.query_params["pick"] == [full[1].trial_id, full[2].trial_id]


def test_axes_are_any_two_metrics(open_page: Open, full: list[TrialDocument]) -> None:
    app = open_page("explore")
    app.selectbox(key="ax").set_value("peak_memory_bytes").run()
    app.selectbox(key="ay").set_value("latency_p50_ms").run()
    assert charts(app)[0]["layout"]["xaxis"]["type"] == "log"
    app.toggle(key="alinear").set_value(True).run()
    assert not app.exception
    assert "type" not in charts(app)[0]["layout"]["xaxis"]


def test_fewer_objectives_are_another_front(open_page: Open, full: list[TrialDocument]) -> None:
    app = open_page("explore")
    before = fronts(app)
    app.button_group(key="objectives").set_value(["quality", "size_bytes"]).run()
    assert fronts(app) < before


def test_a_hidden_strategy_is_in_no_plot_or_table(
    open_page: Open, full: list[TrialDocument]
) -> None:
    app = open_page("explore")
    pruned = next(each for each in full if each.recipe.in_words() == "magnitude 50 %")
    app.session_state["picks"] = [pruned.trial_id]
    app.button_group(key="show").set_value(["quantization"]).run()
    assert selection_tray.HIDDEN in words(app)
    assert len(ids(charts(app)[0])) == 4  # three quantized ones and the baseline, which stays
    assert len(app.dataframe[0].value) == 4


def fronts(app: AppTest) -> int:
    """The number of table rows on the front."""
    return sum(text.startswith(ON_FRONT) for text in app.dataframe[0].value[FRONT])


def test_a_pick_of_a_recipe_measured_twice_is_its_one_point(open_page: Open, store: Store) -> None:
    longer = document(Quantize(), protocol="standard", machine=fingerprint())
    quick = document(Quantize(), machine=fingerprint())
    fill(store, [longer, quick])
    app = open_page("explore", pick=[quick.trial_id])
    assert rings(app) == [1, 1]
    assert app.session_state["picks"] == [longer.trial_id]


def test_the_caption_counts_only_present_states(open_page: Open, store: Store) -> None:
    fill(store, here()[:2])
    text = words(open_page("explore"))
    assert f"2 {plots.WORDS['front']}" in text
    assert plots.WORDS["near"] not in text


def test_objectives_and_limits_are_named(open_page: Open, full: list[TrialDocument]) -> None:
    app = open_page("explore")
    app.session_state[answer.WHY] = True
    app.run()
    chosen = objectives("quality", "size_bytes", "latency_p50_ms")
    assert judged_by(chosen, [MaxDrop(0.02)]) in words(app)
    app.button_group(key="objectives").set_value(["quality", "size_bytes"]).run()
    app.slider(key="drop_slider").set_value(1.0).run()
    assert judged_by(objectives("quality", "size_bytes"), [MaxDrop(0.01)]) in words(app)


def test_noisy_sessions_are_marked_in_the_table(open_page: Open, store: Store) -> None:
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
    assert dict(zip(table[MODEL], table[SESSION], strict=True))["■ int8"] == "noisy"
    assert sum(table[SESSION] == "noisy") == 1


def test_the_filter_keeps_rows_and_names_a_mistake(
    open_page: Open, full: list[TrialDocument]
) -> None:
    app = open_page("explore", filter="size < 20")
    assert len(app.dataframe[0].value) == 2
    app.text_input(key="filter").set_value("siz < 20").run()
    assert '"size"' in app.error[0].value
    assert len(app.dataframe[0].value) == 7
    assert app.query_params["filter"] == "siz < 20"


@pytest.mark.parametrize("view", ["parallel", "machines", "front"])
def test_another_view_is_in_the_address(
    view: str, open_page: Open, full: list[TrialDocument]
) -> None:
    app = open_page("explore", view=view)
    assert app.selectbox(key="view").value == view
    assert len(charts(app)) == {"parallel": 3, "machines": 3, "front": 2}[view]


def test_the_hypervolume_is_a_share_of_the_box() -> None:
    def at(name: str, quality: float, size: float) -> Point:
        values = {"quality": quality, "size_bytes": size}
        return Point(name, {key: MetricValue(key, value) for key, value in values.items()})

    found = front([at("a", 1.0, 2.0), at("b", 0.0, 1.0)], objectives("quality", "size_bytes"))
    # The box is 1.1 x 1.1; a dominates 1.1 x 0.1 of it, b 0.1 x 1.1, and both 0.1 x 0.1.
    assert more_views.hypervolume_share(found) == pytest.approx((0.11 + 0.11 - 0.01) / 1.21)


def test_reference_points_are_shown_and_not_counted(
    open_page: Open, store: Store, full: list[TrialDocument]
) -> None:
    [point] = fill(
        store,
        [document(Reference(), quality=0.9, speedup=80.0, size=1_000_000, machine=fingerprint())],
    )
    app = open_page("explore", pick=point.trial_id)
    assert all(point.trial_id in ids(chart) for chart in charts(app))
    assert selection_tray.REFERENCE in words(app)
    table = app.dataframe[0].value
    [standing] = table.loc[table[MODEL].str.contains("TF-IDF"), FRONT]
    assert standing == REFERENCE
    assert models_left(6, 7) in words(app)
