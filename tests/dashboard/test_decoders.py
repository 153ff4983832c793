"""The pages for a language model: perplexity, time per token, and only supported controls."""

from __future__ import annotations

import math
import re
from typing import Any

import numpy as np
import pytest

from paretoscope.dashboard.compare import latencies
from paretoscope.dashboard.compress.form.from_recipe import from_recipe
from paretoscope.dashboard.compress.form.pruning import layers_kept
from paretoscope.dashboard.compress.form.state import (
    DECODER,
    DECODER_STARTS,
    DEFAULTS,
    for_decoder,
)
from paretoscope.dashboard.compress.form.to_recipe import to_recipe
from paretoscope.machine import fingerprint
from paretoscope.recipes.recipe import Recipe
from paretoscope.recipes.stages import PruneWeights, Quantize
from paretoscope.shape.apply_recipe import expected_bytes
from paretoscope.shape.compatibility import check_fit
from paretoscope.shape.read import read_shape
from paretoscope.sources.resolve import resolve_model
from paretoscope.store.store import Store
from paretoscope.trials.metrics import METRICS
from tests.dashboard.conftest import Open, charts, fill, words
from tests.documents import decoder_document

SCOPE = {"model": "smollm2-135m", "task": "prose"}


@pytest.fixture
def measured(store: Store) -> None:
    here = fingerprint()
    eight, four = (Quantize(scheme="weight-only", bits=bits) for bits in (8, 4))
    fill(
        store,
        [
            decoder_document(machine=here),
            decoder_document(
                eight,
                perplexity=20.02,
                change=(-0.002, 0.004),
                speedup=1.5,
                size=150_000_000,
                machine=here,
            ),
            decoder_document(
                four,
                perplexity=20.3,
                change=(0.01, 0.02),
                speedup=3.0,
                size=90_000_000,
                machine=here,
            ),
        ],
    )


@pytest.mark.usefixtures("measured")
def test_explore_compares_perplexity_with_size_and_time_per_token(open_page: Open) -> None:
    app = open_page("explore", **SCOPE)
    text = words(app)
    assert app.selectbox(key="ay").value == app.selectbox(key="by").value == "perplexity_change"
    assert (app.selectbox(key="ax").value, app.selectbox(key="bx").value) == (
        "size_bytes",
        "tpot_ms",
    )
    assert "perplexity within chance" in text
    assert [slider.key for slider in app.slider] == ["drop_slider", "size_slider", "p50_slider"]
    assert "p" not in app.dataframe[0].value  # McNemar's test is not about perplexity


@pytest.mark.usefixtures("measured")
def test_compress_offers_what_applies(open_page: Open, store: Store) -> None:
    app = open_page("compress", **SCOPE)
    cards = {"form_distil", "form_prune", "form_quantize"}
    assert cards <= {toggle.key for toggle in app.toggle}
    keys = {element.key for element in (*app.slider, *app.selectbox, *app.select_slider)}
    assert "form_bits" in keys
    assert not {"form_smooth", "form_train_epochs", "form_calibration"} & keys
    app.button(key="compress").click().run()
    assert not app.exception
    (queued,) = store.trials(statuses=("queued",))
    assert queued.request.conditions.sequence == 128
    (stage,) = queued.request.recipe.stages
    assert isinstance(stage, Quantize)
    assert stage.scheme == "weight-only"


@pytest.mark.usefixtures("measured")
def test_compress_shows_no_control_that_a_language_model_does_not_support(
    open_page: Open, store: Store
) -> None:
    """All cards on, with what another model's form may have left behind."""
    app = open_page("compress", model="minilm-trec", task="trec")
    left = {
        "prune": True,
        "targets": ["weights", "heads", "vocabulary"],
        "method": "taylor",
        "criterion": "taylor",
        "retrain": 5.0,
        "augment": 2,
    }
    for name, value in left.items():
        app.session_state[f"form_{name}"] = value
    app = app.run()
    app.selectbox(key="model").set_value("smollm2-135m").run()
    assert not app.exception
    assert "error" not in " ".join(each.value for each in app.error)
    targets = app.button_group(key="form_targets")
    assert sorted(targets.value or []) == ["heads", "weights"]
    (method,) = [box for box in app.selectbox if box.key == "form_method"]
    assert len(method.options) == 3
    app.button(key="compress").click().run()
    assert not app.exception
    (queued,) = store.trials(statuses=("queued",))
    check_fit(resolve_model("smollm2-135m"), queued.request.recipe)
    zeros = next(stage for stage in queued.request.recipe.stages if isinstance(stage, PruneWeights))
    assert (zeros.method, zeros.retrain_epochs) == ("magnitude", 5.0)


@pytest.mark.usefixtures("measured")
def test_the_number_of_kept_layers_is_shown(open_page: Open) -> None:
    app = open_page("compress", **SCOPE)
    app.toggle(key="form_prune").set_value(True).run()
    app.button_group(key="form_targets").set_value(["layers"]).run()
    assert layers_kept(20, 30) in words(app)
    app.slider(key="form_drop_layers").set_value(20).run()
    assert layers_kept(24, 30) in words(app)
    app.toggle(key="form_distil").set_value(True).run()
    assert layers_kept(16, 20) in words(app), "a student of 20 layers goes before"


@pytest.mark.usefixtures("measured")
def test_compress_counts_the_size_of_a_language_model(open_page: Open) -> None:
    app = open_page("compress", **SCOPE)
    (size,) = [each for each in app.metric if each.label == "Size on disk"]
    recipe = Recipe(stages=(Quantize(scheme="weight-only", bits=4, zero_point="real"),))
    counted = expected_bytes(read_shape(resolve_model("smollm2-135m")), recipe)
    assert counted.exact
    assert size.value == METRICS["size_bytes"].format(counted.total_bytes)


def test_presets_of_a_language_model_are_its_own(open_page: Open) -> None:
    app = open_page("compress", **SCOPE)
    app.button_group(key="preset").set_value("tiny").run()
    assert not app.exception
    assert app.session_state["form_frequent_words"] == 6000
    app.selectbox(key="model").set_value("minilm-trec").run()
    assert app.session_state["form_zero_point"] == "integer"


def test_the_allowed_loss_is_formatted_in_per_cent(open_page: Open) -> None:
    slider = open_page("compress", **SCOPE).slider(key="form_recover")
    assert slider.proto.format % 1.5 == "1.50 %"


def test_pruned_weights_keep_integer_zero_points() -> None:
    state = DEFAULTS | DECODER | DECODER_STARTS
    assert to_recipe(state).in_words() == "weights 4 bit, real zero points"
    assert (
        to_recipe(state | {"prune": True, "targets": ["weights"]}).in_words()
        == "magnitude 50 % → weights 4 bit"
    )
    assert to_recipe(state | {"bits": 8.0}).in_words() == "weights 8 bit", "8 bits are symmetric"
    nothing = {"prune": True, "targets": ["weights", "ffn"], "sparsity": 0, "ffn": 0}
    assert to_recipe(state | nothing).in_words() == "weights 4 bit, real zero points", (
        "what goes by 0 % is no stage"
    )


def test_a_first_look_at_a_language_model_is_one_that_it_can_take(
    open_page: Open, store: Store
) -> None:
    app = open_page("explore", **SCOPE)
    app.button(key="measure_here").click().run()
    assert not app.exception
    recipes = [row.request.recipe for row in store.trials()]
    assert Recipe() in recipes
    assert all(
        stage.kind == "quantize" and stage.scheme == "weight-only"
        for recipe in recipes
        for stage in recipe.stages
    )
    assert {row.request.task for row in store.trials()} == {"prose"}


def test_only_tasks_that_fit_are_offered(open_page: Open) -> None:
    app = open_page("explore", model="smollm2-135m")
    (tasks,) = [box for box in app.selectbox if box.key == "task"]
    assert tasks.options == ["prose", "prose-cloze"]
    app = open_page("explore", model="minilm-trec")
    (tasks,) = [box for box in app.selectbox if box.key == "task"]
    assert not {"prose", "prose-cloze"} & set(tasks.options)


@pytest.mark.usefixtures("measured")
def test_compare_pairs_two_compressed_models_by_perplexity(open_page: Open, store: Store) -> None:
    by_name = {each.recipe.in_words(): each for each in store.documents()}
    four, eight = by_name["weights 4 bit"], by_name["weights 8 bit"]
    (store.root / "samples").mkdir()
    lengths = np.full(8, 20)
    for document, worse in ((four, 0.02), (eight, 0.0)):
        kept = {
            "log_probability": np.linspace(-6, -1, 160) - worse,
            "top": np.arange(160),
            "targets": np.arange(160),
            "lengths": lengths,
        }
        paired_with = {
            "baseline_log_probability": kept["log_probability"],
            "baseline_top": kept["top"],
            "candidate_turn1": np.full(30, 9.0),
        }
        np.savez(store.root / "samples" / f"{document.trial_id}.npz", **kept, **paired_with)
    app = open_page("compare", **SCOPE, pick=[eight.trial_id, four.trial_id])
    assert not app.exception
    text = words(app)
    assert latencies.heading("token") in text
    assert re.search(r"perplexity [+-]\d\.\d\d % \[.*\]", text)
    assert "160" in text, "the tokens of both"
    bars: list[Any] = [chart["data"][0] for chart in charts(app)]
    (changes,) = [trace["y"] for trace in bars if trace["type"] == "bar" and "hovertext" in trace]
    assert changes == pytest.approx([100 * math.expm1(0.02)] * 8)
    assert "accura" not in text
    assert "points" not in text.split("####", 1)[1]


def test_only_language_models_have_an_int8_cache() -> None:
    recipe = Recipe(stages=(Quantize(scheme="weight-only", bits=4, cache_bits=8),))
    state = from_recipe(recipe)
    assert to_recipe(state) == recipe
    (stage,) = to_recipe({**state, "decoder": False}).stages
    assert isinstance(stage, Quantize)
    assert stage.cache_bits == 32


def test_the_form_holds_real_zero_points_and_frequent_words() -> None:
    recipe = Recipe(
        stages=(
            Quantize(
                scheme="weight-only",
                bits=4,
                zero_point="real",
                embedding_bits=4,
                head_bits=4,
                frequent_words=12_000,
            ),
        ),
    )
    state = from_recipe(recipe)
    assert to_recipe(for_decoder(state)) == recipe
    (finer,) = to_recipe({**state, "head_bits": 8}).stages
    assert isinstance(finer, Quantize)
    assert finer.frequent_words == 0  # a head that is the table would take its 8 bits to all words
