"""Sittings on machines that are not equally fast at all times share an axis by their speed-ups."""

from __future__ import annotations

from typing import Any

import pytest

from compression.points import point
from compression.recipe import PruneWeights, Quantize
from compression.report.table import baseline_of, row_among, rows
from compression.sittings import in_words, on_footing, reference_ms, reference_perplexity
from compression.trial import Conditions, TrialDocument
from tests.documents import decoder_document, document


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
    assert "in this sitting it took 6.00 ms and the baseline 12.0 ms;<br>" in card
    assert "is what that ratio makes of the baseline's usual 10.0 ms" in card


def test_the_footing_is_said_where_there_is_more_than_one_sitting() -> None:
    assert in_words([INT8, PRUNED], 8.0) == "p50 = 8.00 ms (baseline, median of 2 sittings) / speed-up"
    assert in_words([BASELINE, INT8], 8.0) == "p50 = 8.00 ms (baseline, median of 2 sittings) / speed-up"
    assert in_words([baseline_of(INT8), INT8], 8.0) == "", "what was timed in turns is one sitting"


def test_a_row_alone_is_as_its_table_has_it() -> None:
    here = [BASELINE, slowed(INT8, 1.5), slowed(PRUNED, 1.25)]
    elsewhere = slowed(document(Quantize(), conditions=Conditions(batch=8)), 9.0)
    for row in rows(here):
        assert row_among(row.document, [elsewhere, *here]) == row
        assert row.footing == "p50 = 10.00 ms (baseline, median of 3 sittings) / speed-up"
    assert row_among(INT8, [INT8, elsewhere]).footing == ""


def scored_on(found: TrialDocument, tokens: int, harder: float) -> TrialDocument:
    """The same trial scored on other text, on which every model's perplexity is `harder` times as high."""

    def on(part: Any) -> Any:
        more = {name: getattr(part.quality, name) * harder for name in ("value", "low", "high")}
        return part.model_copy(update={"quality": part.quality.model_copy(update={**more, "n": tokens})})

    made = on(found)
    return made.model_copy(update={"baseline": on(found.baseline)}) if found.baseline else made


def test_perplexities_over_different_amounts_of_text_share_an_axis_by_their_change() -> None:
    four, two = (Quantize(scheme="weight-only", bits=bits) for bits in (4, 2))
    standard = scored_on(decoder_document(four, perplexity=20.4, change=(0.01, 0.03)), 40_000, 1.0)
    quick = scored_on(decoder_document(two, perplexity=20.2, change=(0.005, 0.015)), 5_000, 1.2)
    alike = rows([standard])
    assert [row.reference_perplexity for row in alike] == [None, None]
    assert alike[1].point.value("perplexity") == 20.4
    table = {row.name: row for row in rows([scored_on(decoder_document(), 5_000, 1.2), standard, quick])}
    assert reference_perplexity([standard, quick]) == 20.0
    assert table["weights 2 bit"].point.interval("perplexity") == pytest.approx((20.1, 20.3))
    assert table["weights 2 bit"].point.value("perplexity") == pytest.approx(20.2)
    assert table["weights 4 bit"].point.value("perplexity") == pytest.approx(20.4)
    assert table["fp32 baseline"].point.value("perplexity") == pytest.approx(20.0)
    assert table["weights 2 bit"].change("perplexity") == "+1.0 %"
