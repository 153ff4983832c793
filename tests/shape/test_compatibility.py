"""Which stages can be applied to a language model, and why others cannot."""

from __future__ import annotations

from pathlib import Path

import pytest

from paretoscope.errors import ParetoscopeError, RecipeError
from paretoscope.recipes.recipe import Recipe
from paretoscope.recipes.stages import (
    AnyStage,
    Distill,
    PruneStructure,
    PruneWeights,
    Quantize,
    Reference,
)
from paretoscope.shape.apply_recipe import apply_recipe
from paretoscope.shape.compatibility import check_fit, suits
from paretoscope.shape.decoder import DecoderShape
from paretoscope.shape.read import read_shape
from paretoscope.sources.ref import ModelRef
from paretoscope.sources.resolve import resolve_model
from tests.tiny.factory import make_tiny


@pytest.fixture(scope="module")
def ref(tmp_path_factory: pytest.TempPathFactory) -> ModelRef:
    return resolve_model(str(make_tiny("llama", tmp_path_factory.mktemp("fit") / "tiny")))


@pytest.mark.parametrize(
    "stage",
    [
        PruneWeights(method="wanda", pattern="2:4"),
        PruneWeights(method="sparsegpt", retrain_epochs=1, distill_weight=0.7, steps=2),
        PruneStructure(target="heads", criterion="activation"),
        PruneStructure(target="ffn", allocation="global"),
        PruneStructure(target="layers", criterion="activation", retrain_epochs=1),
        Distill(layers=1, ffn_ratio=0.5),
        Quantize(scheme="weight-only", bits=4, cache_bits=8),
    ],
    ids=lambda stage: stage.in_words(),
)
def test_stages_for_language_models(stage: AnyStage, ref: ModelRef) -> None:
    assert suits(ref, stage)


@pytest.mark.parametrize(
    ("stage", "reason"),
    [
        (PruneWeights(method="taylor"), "set method to one of magnitude, wanda, sparsegpt"),
        (
            PruneWeights(method="movement", retrain_epochs=1),
            "set method to one of magnitude, wanda, sparsegpt",
        ),
        (PruneStructure(target="hidden"), "set target to one of layers, ffn, heads"),
        (PruneStructure(target="vocabulary"), "set target to one of layers, ffn, heads"),
        (PruneStructure(target="heads", allocation="global"), "set allocation to uniform"),
        (
            PruneStructure(target="ffn", criterion="taylor"),
            "set criterion to one of magnitude, activation",
        ),
        (Distill(layers=1, hidden_weight=1, augment=1), "remove hidden_weight and augment"),
        (Distill(layers=1, ffn_ratio=0.5, criterion="taylor"), "set criterion to"),
        (Distill(layers=3), "its teacher has only 2"),
        (Quantize(train_epochs=1), "set train_epochs to 0"),
        (Distill(layers=1, unlabelled=True), "remove unlabelled"),
        (
            PruneStructure(target="ffn", retrain_epochs=1, distill_weight=1, unlabelled=True),
            "remove unlabelled",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else value.in_words(),
)
def test_other_stages_are_refused_in_one_sentence(
    stage: AnyStage, reason: str, ref: ModelRef
) -> None:
    with pytest.raises(ParetoscopeError, match=reason) as raised:
        check_fit(ref, Recipe(stages=(PruneWeights(sparsity=0.1), stage)))
    message = str(raised.value)
    assert message.count(". ") == 0
    assert message.endswith(".")
    assert not suits(ref, stage)


def test_each_stage_is_checked_against_the_shape_before_it(ref: ModelRef) -> None:
    chain = Recipe(
        stages=(
            PruneStructure(target="layers", ratio=0.5),
            PruneStructure(target="heads", ratio=0.5),
        )
    )
    left = apply_recipe(read_shape(ref), chain).after
    assert isinstance(left, DecoderShape)
    assert (left.layers, left.heads, left.key_heads, left.qkv) == (1, 2, 1, 64)
    with pytest.raises(ParetoscopeError, match="its teacher has only 1"):
        check_fit(ref, Recipe(stages=(*chain.stages, Distill(layers=2))))


def test_a_language_model_has_no_reference_points(ref: ModelRef) -> None:
    with pytest.raises(RecipeError, match="fitted on labels; remove the stage"):
        check_fit(ref, Recipe(stages=(Reference(),)))


def test_a_classifier_has_reference_points_of_unknown_size(tmp_path: Path) -> None:
    classifier = resolve_model(str(make_tiny("bert", tmp_path / "tiny")))
    check_fit(classifier, Recipe(stages=(Reference(),)))
    applied = apply_recipe(read_shape(classifier), Recipe(stages=(Reference(),)))
    assert applied.after == applied.before
    with pytest.raises(RecipeError, match="known after it is measured"):
        _ = applied.size
