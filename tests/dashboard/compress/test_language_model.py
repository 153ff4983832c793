"""Compress for a language model: the same page, with what applies to it."""

from __future__ import annotations

import pytest

from paretoscope.dashboard.compress.form.rows import NOT_A_DECODER
from paretoscope.recipes.recipe import Recipe
from paretoscope.recipes.stages import Quantize
from paretoscope.shape.apply_recipe import expected_bytes
from paretoscope.shape.compatibility import check_fit
from paretoscope.shape.read import read_shape
from paretoscope.sources.resolve import resolve_model
from paretoscope.store.store import Store
from paretoscope.trials.metrics import METRICS
from tests.dashboard.compress.test_compress import html
from tests.dashboard.conftest import Open, words

SCOPE = {"model": "smollm2-135m", "task": "prose"}


def test_what_does_not_apply_is_grey_and_says_why(open_page: Open, store: Store) -> None:
    app = open_page("compress", **SCOPE)
    assert app.toggle(key="form_on_vocabulary").disabled
    assert app.toggle(key="form_on_hidden").disabled
    assert not app.toggle(key="form_on_student").disabled
    assert NOT_A_DECODER in words(app)
    assert app.slider(key="form_student_layers").value == 20
    app.button(key="compress").click().run()
    (queued,) = store.trials(statuses=("queued",))
    assert queued.request.conditions.sequence == 128
    (stage,) = queued.request.recipe.stages
    assert isinstance(stage, Quantize)
    assert (stage.scheme, stage.bits, stage.zero_point) == ("weight-only", 4, "real")


def test_the_form_of_another_model_leaves_nothing_that_does_not_apply(
    open_page: Open, store: Store
) -> None:
    app = open_page("compress", model="minilm-trec", task="trec")
    left = {"on_weights": True, "on_hidden": True, "weights_method": "taylor", "seed": 3}
    for name, value in left.items():
        app.session_state[f"form_{name}"] = value
    app.run()
    app.selectbox(key="model").set_value("smollm2-135m").run()
    assert not app.exception
    assert not app.error
    app.toggle(key="form_on_ffn").set_value(True).run()
    app.button(key="compress").click().run()
    (queued,) = store.trials(statuses=("queued",))
    check_fit(resolve_model("smollm2-135m"), queued.request.recipe)
    assert [stage.kind for stage in queued.request.recipe.stages] == [
        "prune-structure",
        "quantize",
    ]
    app.selectbox(key="model").set_value("minilm-trec").run()
    assert app.session_state["form_quantize_zero_point"] == "integer"


def test_the_details_of_quantization_have_the_key_value_cache(open_page: Open) -> None:
    app = open_page("compress", **SCOPE)
    app.session_state["details_quantize"] = True
    app.run()
    assert app.button_group(key="form_quantize_cache_bits").value == 32
    assert not [box for box in app.selectbox if box.key == "form_quantize_calibration"]


def test_the_size_of_a_language_model_is_counted(open_page: Open) -> None:
    app = open_page("compress", **SCOPE)
    recipe = Recipe(stages=(Quantize(scheme="weight-only", bits=4, zero_point="real"),))
    counted = expected_bytes(read_shape(resolve_model("smollm2-135m")), recipe)
    assert counted.exact
    assert METRICS["size_bytes"].format(counted.total_bytes) in html(app)


@pytest.mark.parametrize("name", ["Safe", "Balanced", "Smallest"])
def test_presets_of_a_language_model_apply_to_it(open_page: Open, store: Store, name: str) -> None:
    app = open_page("compress", **SCOPE)
    app.button(key=f"preset_{name}").click().run()
    assert not app.exception
    assert not app.error
    app.button(key="compress").click().run()
    (queued,) = store.trials(statuses=("queued",))
    check_fit(resolve_model("smollm2-135m"), queued.request.recipe)
