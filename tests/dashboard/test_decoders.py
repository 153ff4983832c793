"""The pages for a language model: perplexity, time per token, and only supported controls."""

from __future__ import annotations

import re

import numpy as np
import pytest

from paretoscope.dashboard.compare import latencies
from paretoscope.dashboard.explore.limits import label
from paretoscope.machine import fingerprint
from paretoscope.recipes.recipe import Recipe
from paretoscope.recipes.stages import Quantize
from paretoscope.store.store import Store
from paretoscope.trials.metrics import METRICS
from tests.dashboard.conftest import Open, fill, words
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
    assert app.selectbox(key="ay").value == app.selectbox(key="by").value == "perplexity"
    assert (app.selectbox(key="ax").value, app.selectbox(key="bx").value) == (
        "size_bytes",
        "tpot_ms",
    )
    assert "+0.10 % [-0.20, 0.40]" in text
    shown = [label(METRICS[key]) for key in ("perplexity", "size_bytes", "tpot_ms")]
    assert [slider.label for slider in app.slider] == shown
    assert "p" not in app.dataframe[0].value  # McNemar's test is not about perplexity


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
    assert "accura" not in text
    assert "points" not in text.split("####", 1)[1]
