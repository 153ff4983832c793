"""What one request costs: classifiers, batches, language models, and what is missing."""

from __future__ import annotations

import pytest

from paretoscope.errors import ParetoscopeError
from paretoscope.impact.figures import Shape, figures
from paretoscope.recipes.stages import Distill, Quantize
from paretoscope.report.tables.table import Row, rows
from paretoscope.trials.request import Conditions
from paretoscope.trials.trial import Energy, Interval
from tests.documents import decoder_document, document


def test_a_classifier_is_timed_by_its_speed_up() -> None:
    found = figures(Row(document(Quantize(), speedup=2.0)))
    assert found.baseline.seconds.value == pytest.approx(0.008)
    assert found.baseline.seconds.low == found.baseline.seconds.high
    assert found.model.seconds.value == pytest.approx(0.004)
    # 0.24 J in 8 ms
    assert found.baseline.watts == pytest.approx(30)
    assert found.model.joules.value == pytest.approx(0.12)
    assert not found.counted


def test_normalized_times_have_the_interval_of_the_speed_up() -> None:
    row = rows([document(Quantize(), speedup=2.0)])[1]
    found = figures(row).model.seconds
    assert (found.low, found.high) == pytest.approx((0.004 / 1.05, 0.004 / 0.95))


def test_a_batch_is_shared_by_its_requests() -> None:
    at = Conditions(batch=4, threads=1)
    found = figures(Row(document(Quantize(), speedup=2.0, conditions=at)))
    assert found.model.seconds.value == pytest.approx(0.001)
    assert found.model.threads == 1
    # joules are those of one request: 4 x 0.12 J in 4 ms
    assert found.model.joules.value == pytest.approx(0.12)


def test_a_language_model_takes_prompt_and_tokens() -> None:
    row = Row(decoder_document(Quantize(), speedup=2.0))
    measured = figures(row)
    assert measured.shape == Shape(128, 24)
    assert measured.model.seconds.value == pytest.approx(0.4 + 23 * 0.02)
    assert measured.baseline.seconds.value == pytest.approx(0.4 + 23 * 0.04)
    other = figures(row, Shape(256, 101))
    assert other.model.seconds.value == pytest.approx(0.8 + 100 * 0.02)
    assert other.model.watts == pytest.approx(measured.model.watts)


def test_a_baseline_saves_nothing() -> None:
    found = figures(Row(document()))
    assert found.baseline == found.model
    assert found.making_seconds == 0


def test_making_counts_stages_as_first_computed() -> None:
    timings = {"prepare": 1.0, "student": 0.0, "export": 2.0, "accuracy": 3.0, "latency": 4.0}
    cached = document(Distill(layers=3), timings_s=timings, stage_seconds=(100.0,))
    assert figures(Row(cached)).making_seconds == 110
    before = document(Distill(layers=3), timings_s={"student": 80.0, "latency": 4.0})
    assert figures(Row(before)).making_seconds == 84


def test_a_speed_up_within_the_noise_is_marked() -> None:
    made = document(Quantize(), speedup=1.02)
    assert figures(Row(made)).within_noise
    placebo = Interval(value=1, low=0.5, high=1.5)
    clear = document(Quantize(), speedup=1.5)
    assert not figures(Row(clear)).within_noise
    assert figures(Row(clear.model_copy(update={"placebo": placebo}))).within_noise


def test_counters_are_told_from_estimates() -> None:
    energy = Energy(joules_per_request=0.1, source="RAPL: counters of the CPU packages")
    counted = document(Quantize()).model_copy(update={"energy": energy})
    assert figures(Row(counted)).counted


@pytest.mark.parametrize("missing", ["latency", "energy"])
def test_a_trial_without_a_measurement_is_refused(missing: str) -> None:
    made = document(Quantize()).model_copy(update={missing: None})
    with pytest.raises(ParetoscopeError, match="measure it again"):
        figures(Row(made))
