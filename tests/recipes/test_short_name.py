"""Short names fit, differ where recipes differ, and do not depend on the order of a list."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

import pytest

from paretoscope.errors import RecipeError
from paretoscope.recipes.file import load_recipe, parse_recipe
from paretoscope.recipes.recipe import NAME_LENGTH, Recipe
from paretoscope.recipes.short_name import BASELINE, DETAILS, short_name, short_names
from paretoscope.recipes.stages import GROUP_SIZES, STAGES, Quantize
from paretoscope.recipes.stages.methods import (
    CALIBRATIONS,
    ROUNDINGS,
    STRUCTURE_CRITERIA,
    WEIGHT_SCORES,
)
from paretoscope.workspace import SHIPPED

EPOCHS = (0, 0.5, 1, 2, 20)
SHARES = (0, 0.1, 0.25, 0.5, 0.501, 0.9, 1 / 3)
RETRAINED: dict[str, Sequence[Any]] = {
    "retrain_epochs": EPOCHS,
    "learning_rate": (1e-5, 5e-5, 3e-4),
    "distill_weight": (0, 0.5, 0.7, 1),
    "temperature": (1, 2, 4),
    "unlabelled": (False, True),
}
VALUES: dict[str, dict[str, Sequence[Any]]] = {
    "reference": {"features": ("tf-idf", "token-embeddings")},
    "distill": {
        "layers": (1, 2, 3, 4, 12),
        "teacher_layers": (None, [0, 2, 4], [0, 1, 2]),
        "head_ratio": SHARES,
        "ffn_ratio": SHARES,
        "criterion": tuple(STRUCTURE_CRITERIA),
        "temperature": (1, 2, 4),
        "soft_weight": (0, 0.5, 0.7, 1),
        "hidden_weight": (0, 1, 10),
        "attention_weight": (0, 1, 10),
        "augment": (0, 1, 4),
        "unlabelled": (False, True),
        "epochs": EPOCHS,
        "learning_rate": (1e-4, 2e-4, 3e-4),
    },
    "prune-structure": {
        "target": ("heads", "ffn", "layers", "hidden", "vocabulary"),
        "ratio": SHARES,
        "criterion": tuple(STRUCTURE_CRITERIA),
        "allocation": ("uniform", "global"),
        **RETRAINED,
    },
    "prune-weights": {
        "method": tuple(WEIGHT_SCORES),
        "sparsity": (None, *SHARES),
        "pattern": ("unstructured", "unstructured", "2:4", "1:64"),
        "scope": ("layer", "global"),
        "steps": (1, 4, 100),
        **RETRAINED,
    },
    "quantize": {
        "scheme": ("int8-dynamic", "int8-static", "weight-only", "weight-only"),
        "bits": (8, 8, 2, 3, 4, 4.5, 3.14159),
        "group_size": GROUP_SIZES,
        "rounding": tuple(ROUNDINGS),
        "allocation": ("error", "sensitivity"),
        "zero_point": ("integer", "real"),
        "parts": ({}, {}, {"layer.0.ffn": 4}, {"layer.0": 2, "layer.11.qkv": 8}),
        "max_mb": (None, None, 8, 12.345),
        "embedding_bits": (2, 4, 8, 32),
        "frequent_words": (0, 0, 6000),
        "head_bits": (2, 4, 8, 32),
        "cache_bits": (8, 32),
        "calibration": tuple(CALIBRATIONS),
        "calibration_examples": (128, 256),
        "smooth": (0, 0, 0.5),
        "train_epochs": (0, 0, 2),
        "learning_rate": (5e-5, 1e-4),
        "distill_weight": (0.5, 0.9),
    },
}
"""Values of every field of every stage, valid or not in combination."""


def random_stage(draw: random.Random, kind: str) -> dict[str, Any]:
    fields = draw.sample(sorted(VALUES[kind]), draw.randint(0, min(5, len(VALUES[kind]))))
    return {"kind": kind} | {name: draw.choice(VALUES[kind][name]) for name in fields}


def random_recipe(draw: random.Random) -> Recipe:
    while True:
        kinds = [draw.choice(list(VALUES)[:3]) for _ in range(draw.randint(0, 4))]
        kinds += ["quantize"] if draw.random() < 0.7 else []
        content: dict[str, Any] = {
            "stages": [random_stage(draw, kind) for kind in kinds],
            "seed": draw.choice([0, 0, 0, 1, 2**31 - 1]),
            "recover": draw.choice([None, None, {"max_drop": 2}]),
            "name": draw.choice([None] * 9 + ["int8", "A", "My favourite student at last"]),
        }
        try:
            return parse_recipe(content)
        except RecipeError:
            continue


@cache
def thousand() -> tuple[Recipe, ...]:
    draw = random.Random(7)
    return tuple(random_recipe(draw) for _ in range(1000))


def as_mapping(recipes: Sequence[Recipe]) -> Mapping[Recipe, str]:
    return dict(zip(recipes, short_names(recipes), strict=True))


def test_the_generator_covers_the_language() -> None:
    for kind, stage in STAGES.items():
        assert set(VALUES[kind]) == set(stage.model_fields) - {"kind"}


def test_every_setting_has_a_short_form() -> None:
    in_heads = {"kind", "layers", "target", "ratio", "method", "sparsity", "pattern", "scheme"}
    in_heads |= {"features"}
    for stage in STAGES.values():
        assert set(stage.model_fields) - in_heads - {"bits", "max_mb"} <= set(DETAILS)


def test_names_fit() -> None:
    recipes = thousand()
    for name in (*short_names(recipes), *map(short_name, recipes)):
        assert 0 < len(name) <= NAME_LENGTH
        assert name == name.strip()


def test_names_differ_where_recipes_differ() -> None:
    owner: dict[str, str] = {}
    for recipe, name in as_mapping(thousand()).items():
        assert owner.setdefault(name, recipe.id) == recipe.id, name


def test_names_do_not_depend_on_the_order() -> None:
    recipes = list(thousand())
    expected = as_mapping(recipes)
    for seed in range(3):
        random.Random(seed).shuffle(recipes)
        assert as_mapping(recipes) == expected
        assert as_mapping(recipes[:50]) == as_mapping(
            sorted(recipes[:50], key=lambda each: each.id)
        )


def test_a_recipe_on_its_own_has_its_short_name() -> None:
    for recipe in thousand()[:200]:
        assert short_names([recipe, recipe]) == [short_name(recipe)] * 2


def test_few_names_need_an_id() -> None:
    """Of realistic recipes none does: all that ship, and the usual grid."""
    shipped = [load_recipe(path) for path in (SHIPPED / "recipes").glob("*.yaml")]
    grid = [
        parse_recipe({"stages": [before, quantize]})
        for before in (
            {"kind": "distill", "layers": 3},
            {"kind": "distill", "layers": 3, "epochs": 12},
            {"kind": "prune-structure", "retrain_epochs": 2},
            {"kind": "prune-weights", "method": "wanda"},
        )
        for quantize in (
            {"kind": "quantize"},
            {"kind": "quantize", "embedding_bits": 4},
            {"kind": "quantize", "scheme": "weight-only", "bits": 4, "rounding": "gptq"},
            {"kind": "quantize", "scheme": "weight-only", "bits": 4, "group_size": 64},
        )
    ]
    assert not [name for name in short_names([*shipped, *grid, Recipe()]) if "#" in name]


def test_the_baseline_has_one_name() -> None:
    assert (
        short_names([Recipe(), Recipe(stages=(Quantize(),))])[0] == short_name(Recipe()) == BASELINE
    )


def test_equal_names_of_different_recipes_are_told_apart() -> None:
    one, other = Recipe(name="Best"), Recipe(name="Best", stages=(Quantize(embedding_bits=4),))
    assert short_names([one, other]) == ["Best", "Best · embedding 4"]
    assert len(set(short_names([one, Recipe(name="Best", stages=(Quantize(),))]))) == 2


# --- the field `name` -----------------------------------------------------------------------------


def test_a_name_is_kept_in_yaml_and_no_part_of_the_id() -> None:
    plain, named = Recipe(stages=(Quantize(),)), Recipe(stages=(Quantize(),), name="Small")
    assert named.id == plain.id
    assert named.canonical_json() == plain.canonical_json()
    assert "name: Small" in named.to_yaml()
    assert named.model_dump(mode="json")["name"] == "Small"
    assert Recipe.model_validate(named.model_dump()) == named


def test_without_a_name_a_recipe_is_stored_as_before() -> None:
    assert set(Recipe().model_dump(mode="json")) == {"version", "seed", "stages", "recover"}
    assert "name" not in Recipe().to_yaml()


def test_a_prefix_has_no_name() -> None:
    recipe = Recipe(stages=(Quantize(),), name="Small")
    assert recipe.prefix(0).name is None
    assert recipe.prefix(1) == recipe


@pytest.mark.parametrize(
    "name", ["", " padded", "two\nlines", "x" * 29, "<b>bold</b>", "**bold**", ":red[x]", 8]
)
def test_a_bad_name_is_refused(name: object) -> None:
    with pytest.raises(RecipeError, match="name"):
        parse_recipe({"name": name})
