"""Estimates against a simulated study: coverage of intervals, reasons for missing numbers."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

import numpy as np
import pytest

from paretoscope.errors import RecipeError
from paretoscope.machine import Machine
from paretoscope.recipes.recipe import Recipe
from paretoscope.recipes.stages import AnyStage, Distill, PruneStructure, PruneWeights, Quantize
from paretoscope.shape import apply_recipe as applying
from paretoscope.shape.apply_recipe import apply_recipe
from paretoscope.shape.shape import ModelShape
from paretoscope.trials.request import Conditions
from paretoscope.trials.trial import TrialDocument
from paretoscope.whatif.comparable import OTHER_CONDITIONS, OTHER_KERNELS, OTHER_MACHINE
from paretoscope.whatif.estimate import NO_BASELINE, OTHER_MODELS, Estimate, expected
from paretoscope.whatif.ratios import FEWEST, UNTRIED
from tests.documents import BASE_P50, BASE_QUALITY, MACHINE, document
from tests.tiny.shapes import recipe


def truth(
    known: ModelShape, chain: Recipe, noise: np.random.Generator | None = None
) -> tuple[float, float]:
    """Simulated quality, which falls with sparsity and bits, and speed by the remaining weights."""
    left = apply_recipe(known, chain).after
    quality, speed = (
        BASE_QUALITY,
        1 / (0.1 + 0.9 * left.encoder_parameters / known.encoder_parameters),
    )
    for stage in chain.stages:
        if isinstance(stage, PruneWeights):
            quality *= 1 - max(0.0, stage.target_sparsity - 0.4)
        elif isinstance(stage, PruneStructure):
            quality *= 1 - 0.3 * stage.ratio**2
        elif isinstance(stage, Quantize):
            quality *= 1 - 0.3 * 4.0 ** (2 - stage.bits)
            speed *= 1.9 if stage.scheme != "weight-only" else 1.2
    if noise is not None:
        quality, speed = (
            quality * np.exp(noise.normal(0, 0.004)),
            speed * np.exp(noise.normal(0, 0.02)),
        )
    return float(quality), float(speed)


def grid() -> Iterator[tuple[AnyStage, ...]]:
    for sparsity, ratio, bits in product((0, 0.5, 0.7), (0, 0.25, 0.5), (32, 8, 4, 2)):
        stages: list[AnyStage] = []
        if sparsity:
            stages.append(PruneWeights(sparsity=sparsity))
        if ratio:
            stages.append(PruneStructure(target="ffn", ratio=ratio))
        if bits < 32:
            stages.append(Quantize() if bits == 8 else Quantize(scheme="weight-only", bits=bits))
        yield tuple(stages)


def study(known: ModelShape, model: str = "minilm-trec", task: str = "trec") -> list[TrialDocument]:
    noise = np.random.default_rng(0)
    found: list[TrialDocument] = []
    for stages in grid():
        quality, speed = truth(known, recipe(*stages), noise)
        found.append(document(*stages, quality=quality, speedup=speed, model=model, task=task))
    return found


def _estimate(trials: list[TrialDocument], chain: Recipe, shape: ModelShape) -> Estimate:
    return expected(trials, apply_recipe(shape, chain))


def test_an_estimate_applies_each_recipe_once(
    bert: ModelShape, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Quality and speed, this model and other models, the wanted and the measured recipes."""
    applied: list[str] = []
    original = applying._apply_stage

    def counted(before: ModelShape, stage: AnyStage) -> ModelShape:
        applied.append(stage.kind)
        return original(before, stage)

    trials = [*study(bert, model="other"), *study(bert)[:FEWEST]]
    wanted = recipe(PruneStructure(target="ffn", ratio=0.4))
    applying._applied.cache_clear()
    monkeypatch.setattr(applying, "_apply_stage", counted)
    first = _estimate(trials, wanted, bert)
    assert first.quality is not None
    assert len(applied) == 1 + sum(map(len, grid()))
    assert _estimate(trials, wanted, bert) == first
    assert len(applied) == 1 + sum(map(len, grid()))


def test_another_study_adds_ratios_but_no_measurement_and_no_baseline(
    bert: ModelShape,
) -> None:
    shipped = study(bert)
    applied = apply_recipe(bert, recipe(PruneStructure(target="ffn", ratio=0.5)))
    without_baseline = expected([], applied, elsewhere=shipped)
    assert (without_baseline.measured, without_baseline.latency_p50_ms) == (None, None)
    assert without_baseline.speedup is not None
    assert expected(shipped, applied).measured is not None
    slow = document(speedup=1.0)
    assert slow.latency
    slow = slow.model_copy(update={"latency": slow.latency.model_copy(update={"p50_ms": 100.0})})
    with_baseline = expected([slow], applied, elsewhere=shipped)
    assert with_baseline.measured is None
    assert with_baseline.latency_p50_ms and with_baseline.speedup
    assert with_baseline.latency_p50_ms.value == pytest.approx(100.0 / with_baseline.speedup.value)


def test_intervals_cover_left_out_trials(bert: ModelShape) -> None:
    trials = study(bert)
    inside = []
    for left_out in trials:
        if left_out.is_baseline:
            continue
        estimate = _estimate(
            [other for other in trials if other is not left_out], left_out.recipe, bert
        )
        assert estimate.quality is not None
        assert estimate.speedup is not None
        assert left_out.quality is not None
        assert left_out.speedup is not None
        assert estimate.quality.low < estimate.quality.value <= estimate.quality.high <= 1
        inside.append(
            (
                estimate.quality.low <= left_out.quality.value <= estimate.quality.high,
                estimate.speedup.low <= left_out.speedup.value <= estimate.speedup.high,
            )
        )
    quality, speed = np.mean(inside, axis=0)
    assert quality > 0.8
    assert speed > 0.8


def test_an_estimate_is_near_the_truth_between_measured_recipes(bert: ModelShape) -> None:
    wanted = recipe(PruneWeights(sparsity=0.6), PruneStructure(target="ffn", ratio=0.4), Quantize())
    quality, speed = truth(bert, wanted)
    estimate = _estimate(study(bert), wanted, bert)
    assert estimate.quality is not None
    assert estimate.speedup is not None
    assert estimate.latency_p50_ms is not None
    assert estimate.quality.value == pytest.approx(quality, rel=0.03)
    assert estimate.speedup.value == pytest.approx(speed, rel=0.10)
    assert estimate.latency_p50_ms.value == pytest.approx(BASE_P50 / estimate.speedup.value)
    assert estimate.latency_p50_ms.low == pytest.approx(BASE_P50 / estimate.speedup.high)
    assert (estimate.level, estimate.points, estimate.measured, estimate.reason) == (
        0.9,
        35,
        None,
        "",
    )


def test_intervals_are_wider_far_from_measured_recipes(bert: ModelShape) -> None:
    trials = study(bert)
    near, far = (
        _estimate(trials, recipe(stage), bert).quality
        for stage in (PruneWeights(sparsity=0.6), PruneWeights(sparsity=0.99))
    )
    assert near is not None
    assert far is not None
    assert far.high - far.low > 2 * (near.high - near.low)


def test_too_few_points_give_a_reason_and_no_number(bert: ModelShape) -> None:
    estimate = _estimate(study(bert)[:FEWEST], recipe(PruneWeights(sparsity=0.6)), bert)
    assert (estimate.quality, estimate.speedup, estimate.latency_p50_ms) == (None, None, None)
    assert "quality and speed needs 6 measured recipes, but there are 5" in estimate.reason
    assert _estimate([], recipe(), bert).quality is None


@pytest.mark.parametrize(
    ("stage", "lacks"),
    [
        (Distill(layers=1), "fewer layers"),
        (PruneStructure(target="hidden", ratio=0.25), "a smaller hidden width"),
        (Quantize(scheme="int8-static"), "int8 static"),
    ],
)
def test_a_kind_of_change_without_an_example_has_a_wide_estimate(
    stage: AnyStage, lacks: str, bert: ModelShape
) -> None:
    trials = study(bert)
    estimate = _estimate(trials, recipe(stage), bert)
    assert estimate.unlike
    assert f"quality and speed needs a measured recipe with {lacks}" in estimate.reason
    near = _estimate(trials, recipe(PruneWeights(sparsity=0.6)), bert)
    for wide, narrow in (
        (estimate.quality_ratio, near.quality_ratio),
        (estimate.speedup, near.speedup),
    ):
        assert wide and narrow
        assert wide.high / wide.low > UNTRIED**2 * narrow.high / narrow.low


def test_zero_points_are_a_feature(bert: ModelShape) -> None:
    """Real zero points lose less than integer ones in this study, at the same bits."""
    bits = [
        (6, "integer", 0.90),
        (5, "integer", 0.85),
        (4.5, "integer", 0.8),
        (4, "integer", 0.75),
        (6, "real", 0.95),
        (5, "real", 0.95),
        (4, "real", 0.95),
    ]
    trials = [document(quality=0.96)]
    trials += [
        document(Quantize(scheme="weight-only", bits=bit, zero_point=zero), quality=quality)
        for bit, zero, quality in bits
    ]
    real, integer = (
        _estimate(
            trials, recipe(Quantize(scheme="weight-only", bits=4.25, zero_point=zero)), bert
        ).quality
        for zero in ("real", "integer")
    )
    assert real and integer
    assert real.value > integer.value + 0.05


def test_a_measured_recipe_has_its_measurement(bert: ModelShape) -> None:
    trials = study(bert)
    estimate = _estimate(trials, trials[7].recipe, bert)
    assert trials[7].quality is not None
    assert estimate.measured == trials[7].trial_id
    assert estimate.quality is not None
    assert (estimate.quality.value, estimate.quality.low) == (
        trials[7].quality.value,
        trials[7].quality.low,
    )
    assert estimate.speedup == trials[7].speedup
    baseline = _estimate(trials, recipe(), bert)
    assert baseline.measured == trials[0].trial_id
    assert baseline.speedup is not None
    assert baseline.speedup.value == 1


@pytest.mark.parametrize(
    ("machine", "conditions", "factor"),
    [
        ({"id": "beef"}, None, OTHER_MACHINE),
        ({"id": "beef", "flags": ("avx2",)}, None, OTHER_KERNELS),
        (None, Conditions(batch=8), OTHER_CONDITIONS),
        ({"id": "beef"}, Conditions(batch=8), OTHER_MACHINE * OTHER_CONDITIONS),
    ],
)
def test_speed_of_another_machine_or_condition_is_wider(
    machine: dict[str, object] | None,
    conditions: Conditions | None,
    factor: float,
    bert: ModelShape,
) -> None:
    applied = apply_recipe(bert, recipe(PruneWeights(sparsity=0.6)))
    vnni = MACHINE.model_copy(update={"flags": ("avx512_vnni",)})
    trials = [each.model_copy(update={"machine": vnni}) for each in study(bert)]
    here = expected(trials, applied, machine=vnni, conditions=Conditions())
    wanted = Machine.model_validate({**vnni.model_dump(), **(machine or {})})
    there = expected(trials, applied, machine=wanted, conditions=conditions)
    assert (here.timed_elsewhere, there.timed_elsewhere) == (False, True)
    assert here.speedup and there.speedup
    assert there.speedup.value == pytest.approx(here.speedup.value)
    assert there.speedup.high == pytest.approx(here.speedup.high * factor)
    assert there.speedup.low == pytest.approx(here.speedup.low / factor)


def test_the_first_trial_of_a_machine_leaves_the_estimates_of_a_study(bert: ModelShape) -> None:
    """One own measurement neither removes nor moves what another machine's study shows."""
    applied = apply_recipe(bert, recipe(PruneWeights(sparsity=0.6)))
    here = Machine.model_validate({**MACHINE.model_dump(), "id": "beef"})
    first = document(Quantize(), quality=0.955, speedup=2.0, machine=here)
    before, after = (
        expected(own, applied, elsewhere=study(bert), machine=here) for own in ([], [first])
    )
    assert before.speedup and after.speedup and after.quality
    assert after.speedup.value == pytest.approx(before.speedup.value, rel=0.05)
    assert after.timed_elsewhere


def test_other_models_add_ratios_if_trials_of_this_model_are_few(bert: ModelShape) -> None:
    wanted = recipe(PruneWeights(sparsity=0.6))
    unseen = recipe(Distill(layers=11))  # does not fit this model: it is skipped
    others = [*study(bert, model="other", task="sms"), document(*unseen.stages, model="other")]
    estimate = expected([*others, document()], apply_recipe(bert, wanted), task="trec")
    assert OTHER_MODELS["quality"] in estimate.reason
    assert estimate.quality is not None
    assert estimate.quality.value == pytest.approx(BASE_QUALITY * 0.8, rel=0.03)
    unknown = _estimate(others, wanted, bert)
    assert unknown.quality is None
    assert unknown.speedup is not None
    assert NO_BASELINE in unknown.reason
    with pytest.raises(RecipeError):
        _estimate(others, unseen, bert)
