"""Recipes in words: every field has a phrase, and differences name no field."""

from __future__ import annotations

import pytest

from paretoscope.recipes.plain_words import (
    FIELDS,
    PARTS,
    differences_in_words,
    recipe_in_words,
)
from paretoscope.recipes.recipe import Recipe
from paretoscope.recipes.stages import (
    AnyStage,
    Distill,
    PruneStructure,
    PruneWeights,
    Quantize,
    Stage,
)

STAGES: tuple[type[Stage], ...] = (Distill, PruneStructure, PruneWeights, Quantize)


@pytest.mark.parametrize("stage", STAGES)
def test_every_field_has_a_phrase(stage: type[Stage]) -> None:
    assert set(stage.model_fields) - {"kind"} <= set(FIELDS)


def test_every_target_has_a_word() -> None:
    targets = PruneStructure.model_json_schema()["properties"]["target"]["enum"]
    assert set(targets) == set(PARTS)


@pytest.mark.parametrize(
    ("stages", "words"),
    [
        ((), ["the original model, unchanged"]),
        ((Distill(layers=1), Quantize()), ["distils a student of 1 layer",
                                           "computes in 8-bit integers"]),
        ((PruneWeights(sparsity=0.6),), ["sets 60 % of the weights to zero"]),
        ((Quantize(scheme="weight-only", bits=4.5, embedding_bits=32),),
         ["stores weights in 4.5 bits, embedding in float32"]),
        ((Quantize(scheme="weight-only", max_mb=10),), ["stores weights in 10 MB in total"]),
    ],
)  # fmt: skip
def test_a_stage_is_a_verb_phrase(stages: tuple[AnyStage, ...], words: list[str]) -> None:
    assert recipe_in_words(Recipe(stages=stages)) == words


def test_differences_are_added_missing_and_changed_settings() -> None:
    one = Recipe(stages=(PruneStructure(target="vocabulary", ratio=0.65), Quantize()))
    other = Recipe(
        seed=1,
        stages=(
            Distill(layers=3),
            PruneStructure(target="vocabulary", ratio=0.55),
            Quantize(embedding_bits=4),
        ),
    )
    assert differences_in_words(one, other) == [
        "also distils a student of 3 layers",
        "removes 55 % of the vocabulary instead of 65 %",
        "embedding in 4 bits instead of 8",
        "random seed 1 instead of 0",
    ]
    assert differences_in_words(other, one)[0] == "is not distilled"
    assert differences_in_words(one, one) == []


def test_another_order_of_equal_stages_is_a_difference() -> None:
    cut, sparse = PruneStructure(), PruneWeights()
    one, other = Recipe(stages=(cut, sparse)), Recipe(stages=(sparse, cut))
    assert differences_in_words(one, other) == ["its stages are in another order"]
