"""The values of the form, the recipes that they describe, and the recipe in the address."""

from __future__ import annotations

import pytest

from paretoscope.dashboard.compress.form import state as form
from paretoscope.dashboard.compress.form.from_recipe import for_decoder, from_recipe
from paretoscope.dashboard.compress.form.slots import DEFAULTS, ORDER, SLOTS, starts
from paretoscope.dashboard.compress.form.to_recipe import sweep, to_recipe
from paretoscope.errors import RecipeError
from paretoscope.recipes.file import load_recipe, shipped_recipes
from paretoscope.recipes.recipe import Recipe, Recover
from paretoscope.recipes.stages import AnyStage, Distill, PruneStructure, PruneWeights, Quantize

VARIOUS: list[tuple[AnyStage, ...]] = [
    (Quantize(smooth=0.5, calibration_examples=64),),
    (Quantize(scheme="int8-static", calibration="entropy", smooth=0.25),),
    (Quantize(scheme="weight-only", bits=2, train_epochs=1.5, distill_weight=0.25),),
    (Quantize(scheme="int8-static", calibration="mse", train_epochs=1, learning_rate=1e-4),),
    (Quantize(scheme="weight-only", bits=5.5, rounding="gptq", calibration_examples=100),),
    (Quantize(scheme="weight-only", max_mb=12, allocation="sensitivity"),),
    (Quantize(head_bits=32, embedding_bits=32),),
    (PruneStructure(target="vocabulary", ratio=0.3333), PruneStructure(ratio=0.5)),
    (
        PruneStructure(retrain_epochs=2, distill_weight=0.5, unlabelled=True, temperature=4),
        PruneStructure(target="heads", allocation="global", retrain_epochs=1),
        PruneWeights(sparsity=0.6, scope="global", steps=3, retrain_epochs=1),
    ),
    (Distill(layers=2, ffn_ratio=0.25, criterion="taylor", augment=3, learning_rate=1e-3),),
    (PruneStructure(target="layers"), Distill(layers=2), Quantize()),
]


@pytest.mark.parametrize("stages", VARIOUS, ids=lambda each: Recipe(stages=each).in_words())
def test_the_form_keeps_everything_that_a_recipe_says(stages: tuple[AnyStage, ...]) -> None:
    recipe = Recipe(stages=stages, seed=7, recover=Recover(max_drop=0.5))
    state = from_recipe(recipe)
    assert to_recipe(state).id == recipe.id
    assert {name: type(value) for name, value in state.items() if value is not None} == {
        name: type(DEFAULTS[name]) if DEFAULTS[name] is not None else float
        for name, value in state.items()
        if value is not None
    }, "a widget refuses a value of another type"


@pytest.mark.parametrize("name", sorted(shipped_recipes()))
def test_every_shipped_recipe_is_unchanged_by_the_form(name: str) -> None:
    recipe = load_recipe(name)
    decoder = any(getattr(stage, "frequent_words", 0) for stage in recipe.stages)
    assert to_recipe(from_recipe(recipe, decoder=decoder)).id == recipe.id


def test_a_recipe_without_a_control_in_the_form_is_refused() -> None:
    for stages in (
        (Distill(layers=4), Distill(layers=2)),
        (Distill(layers=2, teacher_layers=(0, 5)),),
        (PruneStructure(ratio=0.995),),
    ):
        with pytest.raises(RecipeError, match="paretoscope run"):
            from_recipe(Recipe(stages=stages))


def test_stages_run_in_the_order_of_the_form() -> None:
    on = {"on_ffn": True, "on_vocabulary": True}
    usual = to_recipe(DEFAULTS | on)
    moved = to_recipe(DEFAULTS | on | {"order": ["vocabulary", *ORDER[:5], *ORDER[6:]]})
    assert [getattr(stage, "target", stage.kind) for stage in usual.stages] == [
        "ffn", "vocabulary", "quantize",
    ]  # fmt: skip
    assert [getattr(stage, "target", stage.kind) for stage in moved.stages] == [
        "vocabulary", "ffn", "quantize",
    ]  # fmt: skip
    with pytest.raises(RecipeError, match="move quantize to the end"):
        to_recipe(DEFAULTS | on | {"order": ["quantize", *ORDER[:-1]]})


def test_a_sweep_keeps_the_rest_of_the_form() -> None:
    on = {"on_student": True, "on_ffn": True, "on_weights": True}
    state = {**DEFAULTS, **on, "quantize_scheme": "int8-static"}
    assert [recipe.in_words() for recipe in sweep(state, [0, 50], ["32", "8"])] == [
        "student-3 → ffn -50 %",
        "student-3 → ffn -50 % → int8 static",
        "student-3 → ffn -50 % → magnitude 50 %",
        "student-3 → ffn -50 % → magnitude 50 % → int8 static",
    ]


def test_settings_of_a_training_that_does_not_happen_are_left_out() -> None:
    unused = {"ffn_distill_weight": 0.5, "ffn_unlabelled": True, "ffn_temperature": 5.0}
    on = DEFAULTS | {"on_ffn": True}
    assert to_recipe(on | unused).id == to_recipe(on).id


def test_a_language_model_has_only_what_it_supports() -> None:
    on = {f"on_{name}": True for name in SLOTS}
    trained = {"ffn_retrain_epochs": 1.0, "ffn_distill_weight": 1.0, "ffn_unlabelled": True}
    state = for_decoder(DEFAULTS | on | trained | {"ffn_criterion": "taylor"})
    recipe = to_recipe(state)
    assert {getattr(stage, "target", stage.kind) for stage in recipe.stages} == {
        "distill", "layers", "ffn", "heads", "prune-weights", "quantize",
    }  # fmt: skip
    assert recipe.stages[-1] == Quantize(scheme="weight-only")
    assert not recipe.learns_from_unlabelled


def test_pruned_weights_keep_integer_zero_points() -> None:
    state = starts(decoder=True)
    assert to_recipe(state).in_words() == "weights 4 bit, real zero points"
    assert to_recipe(state | {"on_weights": True}).in_words() == "magnitude 50 % → weights 4 bit"
    assert to_recipe(state | {"quantize_choice": "8"}).in_words() == "weights 8 bit", "symmetric"
    nothing = {"on_weights": True, "weights_sparsity": 0.0, "on_ffn": True, "ffn_ratio": 0.0}
    assert to_recipe(state | nothing).in_words() == "weights 4 bit, real zero points", (
        "a share of 0 % is no stage"
    )


def test_only_language_models_have_an_int8_cache() -> None:
    recipe = Recipe(stages=(Quantize(scheme="weight-only", bits=4, cache_bits=8),))
    state = from_recipe(recipe, decoder=True)
    assert to_recipe(state) == recipe
    (stage,) = to_recipe({**state, "decoder": False}).stages
    assert isinstance(stage, Quantize)
    assert stage.cache_bits == 32


def test_frequent_tokens_need_an_embedding_and_a_head_of_fewer_bits() -> None:
    narrow = {"embedding_bits": 4, "head_bits": 4, "frequent_words": 12_000}
    stage = Quantize(scheme="weight-only", bits=4, zero_point="real", **narrow)  # type: ignore[arg-type]
    recipe = Recipe(stages=(stage,))
    state = from_recipe(recipe, decoder=True)
    assert to_recipe(for_decoder(state)) == recipe
    (finer,) = to_recipe({**state, "quantize_head_bits": 8}).stages
    assert isinstance(finer, Quantize)
    assert finer.frequent_words == 0


def test_a_recipe_in_an_address_is_short() -> None:
    recipe = load_recipe("tiny")
    assert len(form.compact(recipe)) < form.LONGEST / 10
