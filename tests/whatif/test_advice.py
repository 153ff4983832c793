"""What every setting can change on a machine."""

from __future__ import annotations

from dataclasses import replace

import pytest

from paretoscope.recipes.stages import (
    AnyStage,
    Distill,
    PruneStructure,
    PruneWeights,
    Quantize,
    Reference,
)
from paretoscope.shape.apply_recipe import apply_recipe
from paretoscope.shape.shape import ModelShape
from paretoscope.trials.request import Conditions
from paretoscope.whatif.advice import NEITHER, REFERENCE, advice
from paretoscope.whatif.effect import Effect
from paretoscope.whatif.pruning_effects import DENSE, FEWER_LAYERS, NO_SPARSITY
from paretoscope.whatif.quantization_effects import SATURATION, TWO_BITS
from tests.tiny.shapes import recipe

VNNI = ("avx2", "avx512_vnni")
PLAIN = ("avx2",)


@pytest.mark.parametrize(
    ("stage", "flags", "at", "effect"),
    [
        (PruneWeights(sparsity=0.5), VNNI, Conditions(), Effect(False, False, DENSE)),
        (Reference(), VNNI, Conditions(), Effect(True, True, REFERENCE)),
        (PruneWeights(pattern="2:4"), VNNI, Conditions(), Effect(False, False, "tensor cores")),
        (PruneWeights(sparsity=0), VNNI, Conditions(), Effect(False, False, NO_SPARSITY)),
        (
            PruneStructure(target="ffn", ratio=0.5),
            VNNI,
            Conditions(),
            Effect(True, True, "768 of 1536 FFN units of each layer"),
        ),
        (
            PruneStructure(target="heads", ratio=0.01),
            VNNI,
            Conditions(),
            Effect(False, False, "rounds to 0"),
        ),
        (
            PruneStructure(target="layers", ratio=0),
            VNNI,
            Conditions(),
            Effect(False, False, "removes no layers"),
        ),
        (Distill(layers=3), VNNI, Conditions(), Effect(True, True, FEWER_LAYERS)),
        (Distill(layers=6), VNNI, Conditions(), Effect(False, False, "as slow as its teacher")),
        (Quantize(), VNNI, Conditions(), Effect(True, True, "faster than fp32")),
        (Quantize(), ("sse4_2",), Conditions(), Effect(True, False, "no int8 instructions")),
        (Quantize(), PLAIN, Conditions(), Effect(True, True, "slower than with int8 instructions")),
        (Quantize(), PLAIN, Conditions(), Effect(True, True, SATURATION)),
        (Quantize(), (), Conditions(), Effect(True, True, "on CPUs with VNNI")),
        (
            Quantize(scheme="weight-only", bits=4),
            VNNI,
            Conditions(batch=1, sequence=1),
            Effect(True, True, "takes 4.62 bits"),
        ),
        (
            Quantize(scheme="weight-only", bits=4, zero_point="real"),
            VNNI,
            Conditions(batch=1, sequence=1),
            Effect(True, True, "takes about 4.8 bits"),
        ),
        (
            Quantize(scheme="weight-only", bits=4),
            VNNI,
            Conditions(batch=2, sequence=32),
            Effect(True, False, "64 rows per call) it is not faster than fp32"),
        ),
        (
            Quantize(scheme="weight-only", bits=4),
            VNNI,
            Conditions(batch=1, sequence=32),
            Effect(True, True, "below about 64, here 32"),
        ),
        (
            Quantize(scheme="weight-only", bits=4),
            PLAIN,
            Conditions(batch=1, sequence=32),
            Effect(True, False, "32 rows per call) it is not faster than fp32"),
        ),
        (
            Quantize(scheme="weight-only"),
            PLAIN,
            Conditions(batch=1, sequence=8),
            Effect(True, True, "below about 32, here 8"),
        ),
    ],
)
def test_each_setting_has_advice_on_size_and_speed(
    stage: AnyStage,
    flags: tuple[str, ...],
    at: Conditions,
    effect: Effect,
    bert: ModelShape,
) -> None:
    first = advice(recipe(stage), flags, at, apply_recipe(bert, recipe(stage)))[0]
    assert (first.size, first.speed, first.stage) == (effect.size, effect.speed, 0)
    assert effect.text in str(first)


def test_few_bits_float_embeddings_and_unaligned_widths_have_advice(bert: ModelShape) -> None:
    few_bits = recipe(Quantize(scheme="weight-only", bits=2, embedding_bits=32))
    found = advice(few_bits, VNNI, Conditions(), apply_recipe(bert, few_bits))
    assert any(TWO_BITS in str(each) for each in found)
    assert any("word embedding" in str(each) and "stays in fp32" in str(each) for each in found)
    half = recipe(PruneStructure(target="heads", ratio=0.5))
    narrow = apply_recipe(replace(bert, head_size=5), half)
    assert any("not a multiple of 8" in str(each) for each in advice(half, VNNI, applied=narrow))
    assert any(
        "without retraining" in str(each) for each in advice(recipe(PruneWeights(sparsity=0.8)))
    )


def test_a_recipe_without_any_gain_has_advice() -> None:
    found = advice(recipe(PruneWeights(sparsity=0.5)), VNNI)
    assert str(found[-1]) == NEITHER
    assert found[-1].stage is None
    assert advice(recipe()) == []
    assert all(
        str(each) != NEITHER
        for each in advice(recipe(PruneWeights(sparsity=0.5), Quantize()), VNNI)
    )
