"""Expected durations from similar runs."""

from __future__ import annotations

import pytest

from paretoscope.recipes.recipe import Recipe
from paretoscope.recipes.stages import Distill, PruneWeights, Quantize
from paretoscope.whatif.durations import WIDER, expected_seconds
from tests.documents import document


def test_run_time_adds_up_steps_and_scales_training_with_epochs() -> None:
    usual = {"prepare": 4.0, "export": 1.0, "accuracy": 2.0, "latency": 5.0}
    trials = [
        document(Distill(layers=3, epochs=2), timings_s=usual, stage_seconds=(42.0,)),
        document(Quantize(), timings_s={**usual, "int8 dynamic": 0.0}, stage_seconds=(0.5,)),
    ]
    found = expected_seconds(trials, Recipe(stages=(Distill(layers=3, epochs=4), Quantize())))
    assert found is not None
    assert found.value == pytest.approx(12 + 42 * 4.1 / 2.1 + 0.5)
    assert found.low <= found.value <= found.high
    assert expected_seconds(trials, Recipe(stages=(PruneWeights(sparsity=0.5),))) is None
    assert expected_seconds(trials, Recipe(), "standard") is None
    assert expected_seconds([], Recipe()) is None


def test_a_stage_takes_as_long_as_those_that_went_the_same_way_while_there_are_any() -> None:
    usual = {"prepare": 4.0, "export": 1.0, "accuracy": 2.0, "latency": 5.0}
    nearest, gptq = (
        Quantize(scheme="weight-only", bits=4, rounding=rounding) for rounding in ("rtn", "gptq")
    )
    trials = [
        document(stage, timings_s=usual, stage_seconds=(took,))
        for stage, took in ((nearest, 3.0), (gptq, 600.0))
    ]
    fewer, fitted = (
        Quantize(scheme="weight-only", bits=2, rounding=rounding) for rounding in ("rtn", "awq")
    )
    same, other = (expected_seconds(trials, Recipe(stages=(stage,))) for stage in (fewer, fitted))
    assert same is not None
    assert other is not None
    assert same.value == pytest.approx(12 + 3)
    assert (same.low, same.high) == pytest.approx((15 / WIDER, 15 * WIDER)), "two runs show little"
    assert (other.low, other.high) == pytest.approx((15 / WIDER, 612 * WIDER))
