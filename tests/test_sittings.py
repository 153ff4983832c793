"""Sittings on machines that are not equally fast at all times share an axis by their speed-ups."""

from __future__ import annotations

from typing import Any

import pytest

from compression.points import point
from compression.recipe import PruneWeights, Quantize
from compression.report.table import rows
from compression.sittings import in_words, on_footing, reference_ms
from compression.trial import TrialDocument
from tests.documents import document


def slowed(found: TrialDocument, factor: float) -> TrialDocument:
    """The same sitting on a machine that was `factor` times slower just then."""

    def slow(part: Any) -> Any:
        times = {name: value * factor for name, value in part.latency if name.endswith("_ms") and value is not None}
        energy = part.energy.model_copy(update={"joules_per_request": part.energy.joules_per_request * factor})
        return part.model_copy(update={"latency": part.latency.model_copy(update=times), "energy": energy})

    made = slow(found)
    return made.model_copy(update={"baseline": slow(found.baseline)}) if found.baseline else made


INT8, PRUNED, BASELINE = document(Quantize(), speedup=2.0), document(PruneWeights(), speedup=1.0), document()


def test_a_slow_sitting_does_not_move_a_point() -> None:
    quiet, loud = rows([BASELINE, INT8, PRUNED]), rows([BASELINE, slowed(INT8, 1.5), PRUNED])
    for key in ("latency_p50_ms", "latency_p90_ms", "energy_j", "speedup", "size_bytes"):
        for before, after in zip(quiet, loud, strict=True):
            assert after.point.interval(key) == pytest.approx(before.point.interval(key)), (key, before.name)
            assert after.baseline.get(key) == pytest.approx(before.baseline.get(key))


def test_the_reference_is_the_median_baseline_of_all_sittings() -> None:
    assert reference_ms([slowed(INT8, 3.0), PRUNED, slowed(BASELINE, 0.5)]) == pytest.approx(8.0)
    assert reference_ms([]) is None
    assert reference_ms([INT8.model_copy(update={"baseline": None})]) is None


def test_p50_is_the_reference_over_the_speedup_with_its_interval() -> None:
    found = {number.metric: number for number in on_footing(slowed(INT8, 1.25), 6.0)}["latency_p50_ms"]
    assert INT8.speedup is not None
    assert found[1:] == pytest.approx((6.0 / INT8.speedup.value, 6.0 / INT8.speedup.high, 6.0 / INT8.speedup.low))


def test_without_a_reference_or_a_baseline_times_are_as_they_were_taken() -> None:
    assert list(on_footing(INT8, None)) == list(INT8.metrics())
    alone = INT8.model_copy(update={"baseline": None})
    assert list(on_footing(alone, 6.0)) == list(alone.metrics())
    assert point(INT8).value("latency_p50_ms") == 4.0


def test_what_was_timed_stays_in_the_hover_card() -> None:
    card = next(row for row in rows([BASELINE, slowed(INT8, 1.5)]) if not row.document.is_baseline).hover("latency_p50_ms")
    assert "timed 6.00 ms beside a baseline of 12.0 ms" in card


def test_the_footing_is_said_where_there_is_more_than_one_sitting() -> None:
    assert in_words([INT8, PRUNED], 8.0) == "p50 = 8.00 ms (baseline, median of 2 sittings) / speed-up"
    assert in_words([BASELINE, INT8], 8.0) == ""
