"""Compress: the form is a recipe, the outlook follows it, bad input is a card, and a run is shown
to its end.
"""

from __future__ import annotations

from pathlib import Path

import pytest
import streamlit as st

from paretoscope.recipes.stages import Quantize
from paretoscope.store.store import Store
from paretoscope.trials.trial import Interval, Progress, TrialDocument
from paretoscope.whatif.advice import NEITHER
from paretoscope.whatif.pruning_effects import DENSE
from tests.dashboard.conftest import Open, ask, button, fill, here, ship, words
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


def test_zeros_are_said_to_change_nothing_here(open_page: Open) -> None:
    app = open_page("compress")
    app.toggle(key="form_prune").set_value(True).run()
    app.button_group(key="form_targets").set_value(["weights"])
    app.toggle(key="form_quantize").set_value(False).run()
    said = words(app)
    assert NEITHER in said
    assert DENSE in said


def test_a_preset_fills_the_form(open_page: Open) -> None:
    app = open_page("compress")
    app.button_group(key="preset").set_value("tiny").run()
    assert not app.exception
    assert app.toggle(key="form_distil").value
    assert app.slider(key="form_layers").value == 3
    assert any("kind: distill" in code.value for code in app.code)


def test_the_button_queues_what_the_form_says(
    open_page: Open, store: Store, engine_starts: list[bool]
) -> None:
    app = open_page("compress")
    button(app, "Compress and measure").click().run()
    (row,) = store.trials()
    assert row.request.recipe.in_words() == "int8 dynamic"
    assert row.request.model_key
    assert engine_starts == [True]
    assert (
        "Waiting for its turn" in str(app.get("progress")[0].proto.text)
        if app.get("progress")
        else "int8 dynamic" in words(app)
    )


def test_a_sweep_queues_its_grid(open_page: Open, store: Store) -> None:
    app = open_page("compress")
    app.button_group(key="sweep_bits").set_value([32, 8, 4]).run()
    button(app, "Queue 9 models").click().run()
    assert len({row.request.recipe.id for row in store.trials()}) == 9


def test_a_folder_that_is_no_model_is_a_card(open_page: Open, tmp_path: Path) -> None:
    app = open_page("compress")
    app.text_input(key="own_model").set_value(str(tmp_path / "nowhere")).run()
    button(app, "Use it").click().run()
    assert not app.exception
    assert "There is no folder" in app.error[0].value
    assert app.selectbox(key="model").value == "minilm-trec"


def test_data_without_the_column_is_a_card(open_page: Open, tmp_path: Path) -> None:
    path = tmp_path / "mine.csv"
    path.write_text("question,answer\nWho wrote Hamlet?,HUM\n" * 5)
    app = open_page("compress")
    app.text_input(key="own_data").set_value(str(path)).run()
    app.text_input(key="own_text").set_value("sentence").run()
    button(app, "Use it").click().run()
    assert not app.exception
    assert "sentence" in app.error[0].value


def test_an_uploaded_file_is_kept_in_the_workspace_and_used_like_a_typed_path(
    open_page: Open, store: Store
) -> None:
    kinds = ("ABBR", "DESC", "ENTY", "HUM", "LOC", "NUM")
    content = "question,answer\n" + "".join(
        f"What is number {n} ?,{kinds[n % 6]}\n" for n in range(240)
    )
    app = open_page("compress")
    app.file_uploader(key="own_upload").upload("../my data.csv", content.encode(), "text/csv").run()
    (path,) = (store.root / "uploads").glob("*/*")
    assert path.name == "my-data.csv"
    assert path.read_text() == content
    assert app.text_input(key="own_data").value == str(path)
    button(app, "Use it").click().run()
    assert app.error[0].value.startswith('"my-data.csv" has no column')
    assert "Select the label column." in app.error[0].value
    assert "--" not in app.error[0].value
    app.text_input(key="own_label").set_value("answer").run()
    button(app, "Use it").click().run()
    assert not app.exception
    assert not app.error
    assert app.selectbox(key="task").value == str(path)
    assert [toast.value for toast in app.toast] == ["Now: my-data.csv on minilm-trec"]
    assert not app.session_state["own_open"]


def test_an_upload_that_cannot_be_kept_is_a_card(open_page: Open, store: Store) -> None:
    (store.root / "uploads").write_text("in the way")
    app = open_page("compress")
    app.file_uploader(key="own_upload").upload("mine.csv", b"text,label", "text/csv").run()
    assert not app.exception
    assert 'The file "mine.csv" cannot be kept in the workspace' in app.error[0].value


def test_a_running_trial_shows_its_stage_and_can_be_cancelled(
    open_page: Open, store: Store
) -> None:
    id = ask(store, Quantize())
    (row,) = store.claim()
    progress = Progress(
        stage="accuracy", stage_number=4, stage_count=5, step=50, steps=100, seconds_left=12
    )
    assert store.record_progress(id, row.attempts, progress)
    app = open_page("compress")
    bar = app.get("progress")[0].proto
    assert bar.text == "Stage 4 of 5: accuracy, step 50 of 100, about 12 s left"
    assert bar.value == 70
    app.button(key=f"cancel_bench_{id}").click().run()
    assert store.trial(id).cancel_requested


def test_a_failure_says_why_and_can_be_tried_again(
    open_page: Open, store: Store, engine_starts: list[bool]
) -> None:
    app = open_page("compress")
    button(app, "Compress and measure").click().run()
    (row,) = store.claim()
    store.give_up(row.trial_id, row.attempts, "failed", "The disk is full; free some space.")
    app.run()
    assert "The disk is full; free some space." in words(app)
    button(app, "Try again").click().run()
    assert store.trial(row.trial_id).status == "queued"
    assert engine_starts == [True, True]


def test_the_result_stands_beside_the_baseline(open_page: Open, store: Store) -> None:
    app = open_page("compress")
    button(app, "Compress and measure").click().run()
    (row,) = store.claim()
    measured = here()[1].model_copy(update={"trial_id": row.trial_id})
    store.finish(row.trial_id, row.attempts, measured)
    app.run()
    said = words(app)
    assert "int8 dynamic: measured" in said
    assert "Accuracy -0.5 points, p = .08: no clear loss." in said
    assert "it lost 12 that the baseline had right and gained 4" in said
    assert "Measured in turns with the baseline: 2.00x faster [1.90, 2.10]." in said
    assert tiles(app)["Latency p50"] == "4.00 ms"
    button(app, "Close").click().run()
    assert "int8 dynamic: measured" not in words(app)
    assert "Already measured here" in words(app)


def test_the_time_it_takes_is_rough_from_elsewhere_until_it_is_known_here(
    open_page: Open, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "How long it takes is known after the first run like it." in words(open_page("compress"))
    slow = {"prepare": 1.0, "export": 4.0, "int8 dynamic": 0.0, "accuracy": 2.0, "latency": 12.0}
    ship(
        monkeypatch,
        tmp_path / "study.json.gz",
        [document(Quantize(), timings_s=slow, stage_seconds=(1.0,))],
    )
    st.cache_resource.clear()
    assert "Roughly 20 s, as long as it took in the demo study" in words(open_page("compress"))
    halved = {"timings_s": {name: took / 2 for name, took in slow.items()}, "stage_seconds": (0.5,)}
    fill(store, [here()[1].model_copy(update=halved)])
    said = words(open_page("compress"))
    assert "About 10 s." in said
    assert "Roughly" not in said


def test_an_unclear_speed_of_a_noisy_sitting_is_said_as_such(open_page: Open, store: Store) -> None:
    app = open_page("compress")
    button(app, "Compress and measure").click().run()
    (row,) = store.claim()
    measured = here()[1]
    assert measured.latency
    unclear = {
        "speedup": Interval(value=1.2, low=0.9, high=1.4),
        "latency": measured.latency.model_copy(update={"noisy": True}),
    }
    store.finish(
        row.trial_id,
        row.attempts,
        measured.model_copy(update={"trial_id": row.trial_id, **unclear}),
    )
    app.run()
    assert "in a noisy sitting: no clear change of speed, 1.20x [0.90, 1.40]." in words(app)
    assert next(each.delta for each in app.metric if each.label == "Latency p50") == "noisy"


def test_what_was_measured_already_is_said(open_page: Open, full: list[TrialDocument]) -> None:
    assert "Already measured" in words(open_page("compress"))


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
        each for each in open_page("compress").metric if each.label == "Latency p50, measured"
    )
    assert tile.delta == "[5.71, 8.89] · noisy", (
        "the baseline's time over the interval of the speed-up"
    )


def test_a_model_that_went_away_is_a_card(open_page: Open, store: Store) -> None:
    app = open_page("compress", model="/gone/model", task="trec")
    assert 'There is no folder "/gone/model"' in app.error[0].value
