"""Compress: form, estimates, errors, and a run from the queue to its result."""

from __future__ import annotations

from pathlib import Path

import pytest
import streamlit as st

from paretoscope.dashboard.compress import actions, running
from paretoscope.dashboard.compress.estimate_panel import NO_GAIN, tile_label
from paretoscope.dashboard.parts import runs
from paretoscope.dashboard.shell import durations
from paretoscope.recipes.stages import Quantize
from paretoscope.report.tables.table import Row
from paretoscope.store.store import Store
from paretoscope.trials.format import speed_with_interval
from paretoscope.trials.progress import Progress
from paretoscope.trials.trial import Interval, TrialDocument
from paretoscope.whatif.pruning_effects import DENSE
from tests.dashboard.conftest import Open, enqueue, fill, here, own, ship, words
from tests.documents import document


def tiles(app: object) -> dict[str, str]:
    return {each.label: each.value for each in app.metric}  # type: ignore[attr-defined]


def test_the_size_follows_the_form(open_page: Open) -> None:
    app = open_page("compress")
    before = tiles(app)["Size on disk"]
    app.select_slider(key="form_embedding_bits").set_value(4).run()
    after = tiles(app)["Size on disk"]
    assert float(after.removesuffix(" MB")) < float(before.removesuffix(" MB"))
    app.toggle(key="form_distil").set_value(True).run()
    assert not app.exception
    assert float(tiles(app)["Size on disk"].removesuffix(" MB")) < float(after.removesuffix(" MB"))


def test_single_zeros_bring_no_gain_on_this_machine(open_page: Open) -> None:
    app = open_page("compress")
    app.toggle(key="form_prune").set_value(True).run()
    app.button_group(key="form_targets").set_value(["weights"])
    app.toggle(key="form_quantize").set_value(False).run()
    text = words(app)
    assert NO_GAIN in text
    assert DENSE in text


def test_a_preset_fills_the_form(open_page: Open) -> None:
    app = open_page("compress")
    app.button_group(key="preset").set_value("tiny").run()
    assert not app.exception
    assert app.toggle(key="form_distil").value
    assert app.slider(key="form_layers").value == 3
    assert any("kind: distill" in code.value for code in app.code)


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


def test_a_sweep_queues_its_grid(open_page: Open, store: Store) -> None:
    app = open_page("compress")
    app.button_group(key="sweep_bits").set_value([32, 8, 4]).run()
    app.button(key=actions.SWEEP).click().run()
    assert len({row.request.recipe.id for row in store.trials()}) == 9


def test_a_running_trial_shows_its_stage_and_can_be_cancelled(
    open_page: Open, store: Store
) -> None:
    trial_id = enqueue(store, Quantize())
    (row,) = store.claim()
    progress = Progress(
        stage="student-3",
        stage_number=4,
        stage_count=5,
        step=50,
        steps=100,
        epoch=3,
        epochs=6,
        seconds_left_low=12,
        seconds_left_high=30,
    )
    assert store.record_progress(trial_id, row.attempts, progress)
    app = open_page("compress")
    bar = app.get("progress")[0].proto
    assert bar.text == "Stage 4 of 5: student-3, epoch 3 of 6, step 50 of 100, 12 to 30 s left"
    assert bar.value == 70
    app.button(key=f"cancel_bench_{trial_id}").click().run()
    assert store.trial(trial_id).cancel_requested


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


def test_the_result_is_compared_with_the_baseline(open_page: Open, store: Store) -> None:
    app = open_page("compress")
    app.button(key=actions.RUN).click().run()
    (row,) = store.claim()
    measured = here()[1].model_copy(update={"trial_id": row.trial_id})
    assert measured.speedup
    store.finish(row.trial_id, row.attempts, measured)
    app.run()
    result = Row(measured)
    assert runs.comparison(result) in words(app)
    assert "12" in runs.comparison(result)
    assert speed_with_interval(measured.speedup) in runs.comparison(result)
    assert tiles(app)["Latency p50"] == "4.00 ms"
    app.button(key=f"close_{row.trial_id}").click().run()
    assert runs.comparison(result) not in words(app)
    assert running.ALREADY in words(app)


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
    interval = Interval(value=20, low=20 / 1.5, high=30)
    from_study = durations.Expected(interval, measured_here=False).in_words()
    assert from_study in words(open_page("compress"))
    halved = {"timings_s": {name: took / 2 for name, took in slow.items()}, "stage_seconds": (0.5,)}
    fill(store, [here()[1].model_copy(update=halved)])
    interval = Interval(value=10, low=10 / 1.5, high=15)
    text = words(open_page("compress"))
    assert durations.Expected(interval, measured_here=True).in_words() in text
    assert from_study not in text


def test_an_unclear_speed_of_a_noisy_sitting_is_said_as_such(open_page: Open, store: Store) -> None:
    app = open_page("compress")
    app.button(key=actions.RUN).click().run()
    (row,) = store.claim()
    measured = here()[1]
    assert measured.latency
    speedup = Interval(value=1.2, low=0.9, high=1.4)
    noisy = measured.latency.model_copy(update={"noisy": True})
    unclear = {"speedup": speedup, "latency": noisy}
    store.finish(
        row.trial_id,
        row.attempts,
        measured.model_copy(update={"trial_id": row.trial_id, **unclear}),
    )
    app.run()
    assert speed_with_interval(speedup) in words(app)
    assert next(each.delta for each in app.metric if each.label == "Latency p50") == "noisy"


def test_a_measured_recipe_is_marked_as_measured(
    open_page: Open, full: list[TrialDocument]
) -> None:
    assert running.ALREADY in words(open_page("compress"))


def test_a_measured_point_of_a_noisy_sitting_without_a_clear_speed_is_no_change(
    open_page: Open, store: Store
) -> None:
    baseline, int8 = here()[:2]
    assert int8.latency
    unclear = {
        "speedup": Interval(value=1.2, low=0.9, high=1.4),
        "latency": int8.latency.model_copy(update={"noisy": True}),
    }
    fill(store, [baseline, int8.model_copy(update=unclear)])
    tile = next(
        each
        for each in open_page("compress").metric
        if each.label == tile_label("latency_p50_ms", "measured")
    )
    assert tile.delta == "[5.71, 8.89] · noisy", (
        "the baseline's time over the interval of the speed-up"
    )


def test_a_model_that_went_away_is_a_card(open_page: Open, store: Store) -> None:
    own("model", "/gone/model")
    app = open_page("compress", model="/gone/model", task="trec")
    assert 'There is no folder "/gone/model"' in app.error[0].value
