"""Sittings on machines that are not equally fast at all times share an axis by their speed-ups."""

from __future__ import annotations

from typing import Any

import pytest

from paretoscope.frontier.normalize import AS_TAKEN, Reference, normalized, reference
from paretoscope.frontier.points import point
from paretoscope.recipes.stages import PruneWeights, Quantize
from paretoscope.report.tables.table import baseline_of, row_among, rows
from paretoscope.trials.request import Conditions
from paretoscope.trials.trial import Interval, TrialDocument
from tests.documents import decoder_document, document


def slowed(found: TrialDocument, factor: float) -> TrialDocument:
    """The same sitting on a machine that was `factor` times slower just then."""

    def slow(part: Any) -> Any:
        times = {
            name: value * factor
            for name, value in part.latency
            if name.endswith("_ms") and value is not None
        }
        energy = part.energy.model_copy(
            update={"joules_per_request": part.energy.joules_per_request * factor}
        )
        return part.model_copy(
            update={"latency": part.latency.model_copy(update=times), "energy": energy}
        )

    made = slow(found)
    return made.model_copy(update={"baseline": slow(found.baseline)}) if found.baseline else made


INT8, PRUNED, BASELINE = (
    document(Quantize(), speedup=2.0),
    document(PruneWeights(), speedup=1.0),
    document(),
)


def test_a_slow_sitting_does_not_move_a_point() -> None:
    quiet, loud = rows([BASELINE, INT8, PRUNED]), rows([BASELINE, slowed(INT8, 1.5), PRUNED])
    for key in ("latency_p50_ms", "latency_p90_ms", "energy_j", "speedup", "size_bytes"):
        for before, after in zip(quiet, loud, strict=True):
            assert after.point.interval(key) == pytest.approx(before.point.interval(key)), (
                key,
                before.name,
            )
            assert after.baseline.get(key) == pytest.approx(before.baseline.get(key))


def test_the_reference_is_the_median_baseline_of_all_sittings() -> None:
    assert reference([slowed(INT8, 3.0), PRUNED, slowed(BASELINE, 0.5)]).p50_ms == pytest.approx(
        8.0
    )
    assert reference([]) == AS_TAKEN
    assert reference([INT8.model_copy(update={"baseline": None})]).p50_ms is None


def test_p50_is_the_reference_over_the_speedup_with_its_interval() -> None:
    found = {
        number.metric: number for number in normalized(slowed(INT8, 1.25), Reference(p50_ms=6.0))
    }["latency_p50_ms"]
    assert INT8.speedup is not None
    assert found[1:] == pytest.approx(
        (6.0 / INT8.speedup.value, 6.0 / INT8.speedup.high, 6.0 / INT8.speedup.low)
    )


def test_without_a_reference_or_a_baseline_times_are_as_they_were_taken() -> None:
    assert list(normalized(INT8, AS_TAKEN)) == list(INT8.metrics())
    alone = INT8.model_copy(update={"baseline": None})
    assert list(normalized(alone, Reference(p50_ms=6.0))) == list(alone.metrics())
    assert point(INT8).value("latency_p50_ms") == 4.0


def with_first_token(found: TrialDocument, own_ms: float, baseline_ms: float) -> TrialDocument:
    """The same sitting with other times to the first token, and the ratio of the two as the
    speed-up of it.
    """
    assert found.generation and found.baseline and found.baseline.generation
    ratio = Interval(
        value=baseline_ms / own_ms, low=baseline_ms / own_ms * 0.9, high=baseline_ms / own_ms * 1.1
    )
    beside = found.baseline.model_copy(
        update={"generation": found.baseline.generation.model_copy(update={"ttft_ms": baseline_ms})}
    )
    own = found.generation.model_copy(update={"ttft_ms": own_ms, "ttft_speedup": ratio})
    return found.model_copy(update={"generation": own, "baseline": beside})


def test_the_time_to_the_first_token_follows_that_of_its_own_baseline() -> None:
    """Not the baseline's time a token: a slow spell may touch the prompt and leave the tokens
    alone.
    """
    four, two = (
        decoder_document(Quantize(scheme="weight-only", bits=bits), speedup=2.0) for bits in (4, 2)
    )
    table = rows(
        [
            with_first_token(four, 300.0, 200.0),
            with_first_token(two, 800.0, 400.0),
            with_first_token(four, 300.0, 200.0),
        ]
    )
    found = {row.name: row for row in table}
    assert table[0].reference.ttft_ms == pytest.approx(200.0)
    assert found["weights 4 bit"].point.value("ttft_ms") == pytest.approx(300.0)
    assert found["weights 2 bit"].point.value("ttft_ms") == pytest.approx(400.0)
    assert found["weights 2 bit"].point.interval("ttft_ms") == pytest.approx(
        (200 / 0.55, 200 / 0.45)
    )
    assert found["weights 2 bit"].change("ttft_ms") == "2.0x slower"


def test_what_was_timed_stays_in_the_hover_card() -> None:
    card = next(
        row for row in rows([BASELINE, slowed(INT8, 1.5)]) if not row.document.is_baseline
    ).hover("latency_p50_ms")
    assert "6.00 ms measured, 12.0 ms for the baseline;<br>" in card
    assert "median baseline latency of 10.0 ms" in card


def test_the_footing_is_said_where_there_is_more_than_one_sitting() -> None:
    assert (
        reference([INT8, PRUNED]).normalized_to
        == "p50 = 8.00 ms (baseline, median of 2 sessions) / speed-up"
    )
    assert (
        reference([BASELINE, INT8]).normalized_to
        == "p50 = 8.00 ms (baseline, median of 2 sessions) / speed-up"
    )
    assert reference([baseline_of(INT8), INT8]).normalized_to == "", (
        "what was timed in turns is one sitting"
    )


def test_a_row_alone_is_as_its_table_has_it() -> None:
    here = [BASELINE, slowed(INT8, 1.5), slowed(PRUNED, 1.25)]
    elsewhere = slowed(document(Quantize(), conditions=Conditions(batch=8)), 9.0)
    for row in rows(here):
        assert row_among(row.document, [elsewhere, *here]) == row
        assert (
            row.reference.normalized_to
            == "p50 = 10.00 ms (baseline, median of 3 sessions) / speed-up"
        )
    assert row_among(INT8, [INT8, elsewhere]).reference.normalized_to == ""


def scored_on(found: TrialDocument, tokens: int, harder: float) -> TrialDocument:
    """The same trial scored on other text, on which every model's perplexity is `harder` times as
    high.
    """

    def on(part: Any) -> Any:
        more = {name: getattr(part.quality, name) * harder for name in ("value", "low", "high")}
        return part.model_copy(
            update={"quality": part.quality.model_copy(update={**more, "n": tokens})}
        )

    made = on(found)
    return made.model_copy(update={"baseline": on(found.baseline)}) if found.baseline else made


def test_perplexities_over_different_amounts_of_text_share_an_axis_by_their_change() -> None:
    four, two = (Quantize(scheme="weight-only", bits=bits) for bits in (4, 2))
    standard = scored_on(decoder_document(four, perplexity=20.4, change=(0.01, 0.03)), 40_000, 1.0)
    quick = scored_on(decoder_document(two, perplexity=20.2, change=(0.005, 0.015)), 5_000, 1.2)
    alike = rows([standard])
    assert [row.reference.perplexity for row in alike] == [None, None]
    assert alike[1].point.value("perplexity") == 20.4
    table = {
        row.name: row for row in rows([scored_on(decoder_document(), 5_000, 1.2), standard, quick])
    }
    assert reference([standard, quick]).perplexity == 20.0
    assert table["weights 2 bit"].point.interval("perplexity") == pytest.approx((20.1, 20.3))
    assert table["weights 2 bit"].point.value("perplexity") == pytest.approx(20.2)
    assert table["weights 4 bit"].point.value("perplexity") == pytest.approx(20.4)
    assert table["fp32 baseline"].point.value("perplexity") == pytest.approx(20.0)
    assert table["weights 2 bit"].change("perplexity") == "+1.0 %"
