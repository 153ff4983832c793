"""Compress: goal, stages, figures, errors, and a run from the queue to its result."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from paretoscope.dashboard.compress import actions, headline, recipe_file, result, running
from paretoscope.dashboard.compress.form import state as form
from paretoscope.dashboard.compress.form.slots import ORDER
from paretoscope.dashboard.parts import runs
from paretoscope.dashboard.shell import durations
from paretoscope.machine import fingerprint
from paretoscope.recipes.file import load_recipe
from paretoscope.recipes.recipe import Recipe
from paretoscope.recipes.stages import Quantize
from paretoscope.report.tables.table import Row
from paretoscope.store.store import Store
from paretoscope.trials.progress import Progress
from paretoscope.trials.trial import Interval, TrialDocument
from tests.dashboard.conftest import Open, fill, here, own, ship, words
from tests.documents import document


def html(app: AppTest) -> str:
    """The figures of the recipe."""
    return next(body for each in app.get("html") if "<dl" in (body := each.proto.body))


def megabytes(app: AppTest) -> float:
    """The size on disk that the page shows."""
    return float(html(app).split("<b>")[1].split(" MB")[0])


def recipe_of(app: AppTest) -> Recipe:
    """The recipe in the address."""
    return Recipe.model_validate(json.loads(linked(app)))


def linked(app: AppTest) -> str:
    found = app.query_params["recipe"]
    return found if isinstance(found, str) else found[0]


# --- the form


def test_the_size_follows_the_form(open_page: Open) -> None:
    app = open_page("compress")
    before = megabytes(app)
    app.button_group(key="form_quantize_embedding_bits").set_value(4).run()
    narrow = megabytes(app)
    assert narrow < before
    app.toggle(key="form_on_student").set_value(True).run()
    assert not app.exception
    assert megabytes(app) < narrow
    assert headline.EXACTLY in html(app)


def test_every_stage_is_there_without_a_click(open_page: Open) -> None:
    app = open_page("compress")
    toggles = {toggle.key for toggle in app.toggle}
    assert {f"form_on_{name}" for name in ORDER if name != "quantize"} <= toggles
    sliders = {slider.key: slider for slider in app.slider}
    assert {"form_student_layers", "form_weights_sparsity", "form_ffn_ratio"} <= set(sliders)
    assert app.button_group(key="form_quantize_choice").value == "8"
    sliders["form_ffn_ratio"].set_value(25.0).run()
    assert app.toggle(key="form_on_ffn").value, "to set a stage switches it on"
    assert recipe_of(app).in_words() == "ffn -25 % → int8 dynamic"


def test_single_zeros_have_no_gain_on_this_machine(open_page: Open) -> None:
    assert "no smaller or faster here" in words(open_page("compress"))


def test_a_measured_stage_is_quoted(open_page: Open, full: list[TrialDocument]) -> None:
    """A slower measurement is said to be slower, whatever the format allows."""
    slow = document(
        Quantize(scheme="weight-only", bits=3),
        quality=0.95,
        speedup=0.8,
        size=17_000_000,
        machine=fingerprint(),
    )
    fill(Store.open(runs.data.workspace()), [slow])
    app = open_page("compress")
    app.button_group(key="form_quantize_choice").set_value("3").run()
    assert "slower (0.80x)" in words(app)


def test_the_recipe_is_in_the_address_and_comes_back_from_it(open_page: Open) -> None:
    app = open_page("compress")
    app.slider(key="form_student_layers").set_value(2).run()
    again = open_page("compress", recipe=linked(app))
    assert again.toggle(key="form_on_student").value
    assert again.slider(key="form_student_layers").value == 2
    assert recipe_of(again) == recipe_of(app)


@pytest.mark.parametrize(
    "text",
    ["{", '{"stages":[{"kind":"mystery"}]}', '{"stages":"' + "x" * form.LONGEST + '"}', "[]"],
    ids=["no JSON", "unknown", "too long", "a list"],
)
def test_a_broken_recipe_in_a_link_is_one_error(open_page: Open, text: str) -> None:
    app = open_page("compress", recipe=text)
    assert len(app.warning) == 1
    assert recipe_of(app).in_words() == "int8 dynamic"


def test_an_order_that_does_not_work_says_why(open_page: Open, store: Store) -> None:
    app = open_page("compress")
    app.toggle(key="form_on_ffn").set_value(True)
    app.session_state["form_order"] = ["quantize", *ORDER[:-1]]
    app.run()
    assert "move quantize to the end" in app.error[0].value
    button = app.button(key=actions.RUN)
    assert button.disabled
    assert not store.trials()


def test_stages_can_be_moved(open_page: Open) -> None:
    app = open_page("compress")
    app.toggle(key="form_on_ffn").set_value(True)
    app.toggle(key="form_on_vocabulary").set_value(True)
    app.session_state["order_open"] = True
    app.run()
    app.button(key="move_vocabulary_earlier").click().run()
    assert recipe_of(app).in_words() == "vocabulary -50 % → ffn -50 % → int8 dynamic"


def test_a_pasted_recipe_is_shown_in_the_form(open_page: Open) -> None:
    app = open_page("compress")
    app.session_state[recipe_file.OPEN] = True
    app.run()
    app.text_area(key=recipe_file.TEXT).set_value(load_recipe("tiny").to_yaml()).run()
    app.button(key=recipe_file.LOAD).click().run()
    assert recipe_of(app).id == load_recipe("tiny").id
    app.text_area(key=recipe_file.TEXT).set_value("stages: [").run()
    app.button(key=recipe_file.LOAD).click().run()
    assert "not valid YAML" in app.warning[0].value
    assert recipe_of(app).id == load_recipe("tiny").id


# --- goal and presets


@pytest.mark.usefixtures("demo")
def test_presets_have_the_figures_of_the_study(open_page: Open) -> None:
    app = open_page("compress")
    presets = {button.key: button for button in app.button if str(button.key).startswith("preset_")}
    assert "17 MB" in presets["preset_Smallest"].label
    assert "-2.0" in presets["preset_Smallest"].label
    presets["preset_Smallest"].click().run()
    assert recipe_of(app).in_words() == "student-3 → int8 dynamic"


@pytest.mark.usefixtures("demo")
def test_the_suggested_recipe_is_within_the_limits(open_page: Open) -> None:
    app = open_page("compress")
    app.number_input(key="goal_mb_typed").set_value(24.0).run()
    assert app.slider(key="goal_mb").value == 24.0
    app.slider(key="goal_loss").set_value(1.0).run()
    app.button(key="suggest").click().run()
    assert recipe_of(app).in_words() == "int8 dynamic"
    app.slider(key="goal_mb").set_value(17.5)
    app.slider(key="goal_loss").set_value(3.0).run()
    app.button(key="suggest").click().run()
    assert recipe_of(app).in_words() == "student-3 → int8 dynamic"
    assert "17.0 MB" in words(app)
    assert "3" in app.query_params["goal_loss"]


def test_a_model_without_measurements_has_generic_presets(open_page: Open) -> None:
    app = open_page("compress", model="minilm-sms", task="sms")
    app.button(key="preset_Smallest").click().run()
    assert not app.exception
    assert megabytes(app) < 10


# --- estimates


@pytest.mark.usefixtures("demo")
def test_the_first_own_run_does_not_remove_the_estimates(open_page: Open, store: Store) -> None:
    """The ratios of the demo study stay, wider, with what they are based on."""
    fill(store, here()[:1])
    app = open_page("compress")
    app.slider(key="form_student_layers").set_value(3).run()
    assert not app.exception
    shown = html(app)
    assert "about" in shown
    assert "faster" in shown


# --- a run


def test_the_button_queues_the_recipe_of_the_form(
    open_page: Open, store: Store, engine_starts: list[bool]
) -> None:
    app = open_page("compress")
    app.button(key=actions.RUN).click().run()
    (row,) = store.trials()
    assert row.request.recipe.in_words() == "int8 dynamic"
    assert row.request.model_key
    assert engine_starts == [True]
    assert app.session_state[running.WATCHING] == [row.trial_id]
    assert app.button(key=actions.RUN).disabled, "it is queued"


def test_a_sweep_queues_its_grid(open_page: Open, store: Store) -> None:
    app = open_page("compress")
    app.button_group(key="sweep_bits").set_value(["32", "8", "4"]).run()
    app.button(key=actions.SWEEP).click().run()
    assert len({row.request.recipe.id for row in store.trials()}) == 9


def test_a_running_trial_shows_its_steps_and_can_be_cancelled(
    open_page: Open, store: Store
) -> None:
    app = open_page("compress")
    app.button(key=actions.RUN).click().run()
    (row,) = store.claim()
    at = Progress(stage="latency", stage_number=5, stage_count=5, step=6, steps=15)
    left = {"seconds_left_low": 12, "seconds_left_high": 30}
    assert store.record_progress(row.trial_id, row.attempts, at.model_copy(update=left))
    app.run()
    assert "prepare ✓" in words(app)
    assert "**speed 6/15**" in words(app)
    assert not app.warning
    repeated = at.model_copy(update={"step": 16, "steps": 30})
    assert store.record_progress(row.trial_id, row.attempts, repeated)
    app.run()
    assert [each.value for each in app.warning] == [running.REPEATS]
    app.button(key=f"cancel_bench_{row.trial_id}").click().run()
    assert store.trial(row.trial_id).cancel_requested


def test_a_failure_says_why_and_can_be_tried_again(
    open_page: Open, store: Store, engine_starts: list[bool]
) -> None:
    app = open_page("compress")
    app.button(key=actions.RUN).click().run()
    (row,) = store.claim()
    store.give_up(row.trial_id, row.attempts, "failed", "The disk is full; free some space.")
    app.run()
    assert "The disk is full; free some space." in words(app)
    app.button(key=f"again_bench_{row.trial_id}").click().run()
    assert store.trial(row.trial_id).status == "queued"
    assert engine_starts == [True, True]


def test_the_result_is_beside_its_struck_estimate(open_page: Open, store: Store) -> None:
    fill(store, here()[1:])
    app = open_page("compress")
    app.button_group(key="form_quantize_embedding_bits").set_value(4).run()
    assert "<s>" not in html(app)
    app.button(key=actions.RUN).click().run()
    (row,) = store.claim()
    narrow = document(Quantize(embedding_bits=4), quality=0.957, speedup=2.1, machine=fingerprint())
    measured = narrow.model_copy(update={"trial_id": row.trial_id})
    store.finish(row.trial_id, row.attempts, measured)
    app.run()
    assert "<b>95.7 %</b> <s>" in html(app)
    assert "<b>2.1x faster</b>" in html(app)
    assert runs.comparison(Row(measured)) in words(app)
    app.button(key="measure_again").click().run()
    assert store.trial(row.trial_id).status == "queued"


def test_a_noisy_result_is_marked_and_can_be_measured_again(open_page: Open, store: Store) -> None:
    app = open_page("compress")
    app.button(key=actions.RUN).click().run()
    (row,) = store.claim()
    measured = here()[1]
    assert measured.latency
    unclear = {
        "trial_id": row.trial_id,
        "speedup": Interval(value=1.2, low=0.9, high=1.4),
        "latency": measured.latency.model_copy(update={"noisy": True}),
    }
    store.finish(row.trial_id, row.attempts, measured.model_copy(update=unclear))
    app.run()
    assert 'class="noisy"' in html(app)
    assert "no clear change" in html(app)
    assert result.NOISY in [each.value for each in app.warning]
    assert not app.button(key="measure_again").disabled


@pytest.mark.usefixtures("demo")
def test_a_run_beside_the_demo_machine_is_said_and_linked(open_page: Open, store: Store) -> None:
    """Before the run the page says where it runs; then a link shows its result."""
    app = open_page("compress")
    assert any(each.value.endswith("not on the one shown above.") for each in app.caption)
    app.button(key=actions.RUN).click().run()
    (row,) = store.claim()
    measured = here()[1].model_copy(update={"trial_id": row.trial_id})
    store.finish(row.trial_id, row.attempts, measured)
    app.run()
    links = [each.proto for each in app.get("page_link")]
    assert any("measured on this machine" in link.label for link in links)


def test_the_duration_is_based_on_the_demo_study_until_one_is_measured_here(
    open_page: Open, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert durations.UNKNOWN in words(open_page("compress"))
    slow = {"prepare": 1.0, "export": 4.0, "int8 dynamic": 0.0, "accuracy": 2.0, "latency": 12.0}
    ship(
        monkeypatch,
        tmp_path / "study.json.gz",
        [document(Quantize(), timings_s=slow, stage_seconds=(1.0,))],
    )
    st.cache_resource.clear()
    assert "7 to 60 s, the original once too" in words(open_page("compress"))
    halved = {"timings_s": {name: took / 2 for name, took in slow.items()}, "stage_seconds": (0.5,)}
    fill(store, [here()[1].model_copy(update=halved)])
    assert "7 to 15 s" in words(open_page("compress"))


def test_a_model_that_went_away_is_a_card(open_page: Open, store: Store) -> None:
    own("model", "/gone/model")
    app = open_page("compress", model="/gone/model", task="trec")
    assert 'There is no folder "/gone/model"' in app.error[0].value
