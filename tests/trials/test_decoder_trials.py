"""Trials of language models in everything that ranks, limits and words them: perplexity is compared
in per cent, time by the token.
"""

from __future__ import annotations

import pytest

from paretoscope.api.measured import TrialSet
from paretoscope.artifact.card import model_card
from paretoscope.cli.frontier import frontier_document
from paretoscope.cli.requests import FrontierRequest
from paretoscope.cli.text import result, table
from paretoscope.frontier.limits import MaxDrop, judged_by
from paretoscope.frontier.points import against_baseline, clear_loss, objectives
from paretoscope.frontier.recommend import recommend
from paretoscope.recipes.stages import Quantize
from paretoscope.report.figures.tradeoff import tradeoff
from paretoscope.report.html import report_html
from paretoscope.report.tables.table import Row, rows
from paretoscope.store.rows import measurement_rows
from paretoscope.trials.trial import TrialDocument
from tests.documents import decoder_document, document

BITS_8 = Quantize(scheme="weight-only", bits=8)
BITS_4 = Quantize(scheme="weight-only", bits=4)
BITS_2 = Quantize(scheme="weight-only", bits=2)
FOUND = [
    decoder_document(),
    decoder_document(
        BITS_8, perplexity=20.02, change=(-0.002, 0.004), speedup=1.5, size=150_000_000
    ),
    decoder_document(BITS_4, perplexity=20.3, change=(0.01, 0.02), speedup=3.0, size=90_000_000),
    decoder_document(BITS_2, perplexity=40.0, change=(0.9, 1.1), speedup=2.0, size=60_000_000),
]
AXES = ("perplexity", "size_bytes", "tpot_ms")


def test_the_metrics_are_a_decoders() -> None:
    keys = {value.metric for value in FOUND[2].metrics()}
    assert {
        "perplexity",
        "perplexity_change",
        "tpot_ms",
        "ttft_ms",
        "tokens_per_s",
        "ttft_speedup",
        "speedup",
        "load_ms",
    } <= keys
    assert not keys & {"quality", "latency_p50_ms", "latency_p90_ms"}
    assert FOUND[2].axes.objectives == AXES
    assert document().axes.objectives == ("quality", "size_bytes", "latency_p50_ms")
    counts = {row.metric: row.n for row in measurement_rows(FOUND[2])}
    assert (counts["perplexity"], counts["tpot_ms"], counts["ttft_ms"]) == (12000, 120, 9)


def test_a_document_from_before_there_were_decoders_is_read() -> None:
    content = document(BITS_4).model_dump(mode="json")
    for part in (content, content["baseline"]):
        del part["generation"]
    del content["paired"]["change"]
    assert TrialDocument.model_validate(content) == document(BITS_4)


def test_a_limit_on_perplexity_is_a_share_of_the_baselines() -> None:
    table = {row.name: row.point for row in rows(FOUND)}
    baseline = table["fp32 baseline"]
    limit = MaxDrop(0.02, "perplexity")
    assert limit.slack(table["weights 4 bit"], baseline) == pytest.approx(0.005)
    assert limit.slack(table["weights 2 bit"], baseline) == pytest.approx(-0.98)
    assert limit.in_words() == "Perplexity rise ≤ 2.00 %"
    assert (
        judged_by(objectives(*AXES), [limit])
        == "By perplexity, size and time per token, with at most 2 % more perplexity"
    )
    tight = recommend([table["weights 2 bit"]], [limit], objectives(*AXES), baseline)
    assert "Perplexity rise ≤ 2.00 % is too tight by 98.00 % (100.00 % would do)" in tight.reason


def test_a_loss_is_clear_when_its_interval_says_so() -> None:
    by_name = {row.name: row.point for row in rows(FOUND)}
    baseline = by_name["fp32 baseline"]
    assert [clear_loss(by_name[f"weights {bits} bit"], baseline) for bits in (8, 4, 2)] == [
        False,
        True,
        True,
    ]
    assert (
        against_baseline(by_name["weights 4 bit"], baseline)
        == "20.3 perplexity (+1.50 %, a significant loss), 3.00x faster, 6.00x smaller"
    )
    took = recommend(
        list(by_name.values()), [MaxDrop(0.02, "perplexity")], objectives(*AXES), baseline
    )
    assert took.best == by_name["weights 8 bit"].id
    assert "clear loss of quality" in took.reason or "loses quality significantly" in took.reason


def test_the_command_picks_the_axes_of_what_was_measured() -> None:
    request = FrontierRequest("smollm2-135m", max_drop=2.0, max_latency_ms=30.0)
    trials = TrialSet("smollm2-135m", "workspace", tuple(FOUND))
    found = frontier_document(trials, request).to_json()
    assert (found["x"], found["y"]) == ("tpot_ms", "perplexity")
    assert found["recommendation"]["limits"] == [
        "Perplexity rise ≤ 2.00 %",
        "Time per token ≤ 30.0 ms",
    ]
    assert set(found["on_front"]) == {document.trial_id for document in FOUND}, (
        "each is the best in quality, size or time, or between"
    )


def test_words_name_perplexity_and_the_time_of_a_token() -> None:
    said = result(Row(FOUND[2]))
    for part in (
        "perplexity   20.3",
        "(+1.50 % [+1.00, +2.00])",
        "per token    13.3 ms (3.00x faster",
        "first token  400 ms",
        "prompt of 128 tokens",
    ):
        assert part in said, said
    assert "perplexity" in table(rows(FOUND)).splitlines()[0]
    row = Row(FOUND[2])
    assert row.change("perplexity") == "+1.5 %"
    assert row.change("tokens_per_s") == "3.0x more"
    card = model_card(FOUND[2])
    for part in (
        "12,000 tokens of the validation split",
        "text-generation",
        "+1.50 % [1.00, 2.00]",
    ):
        assert part in card, card
    report = report_html(FOUND)
    assert "perplexity 20.3 (original 20.0, +1.5 %)" in report
    assert "By perplexity, size and time per token" in report


def test_plots_compare_what_is_comparable() -> None:
    info = tradeoff(rows(FOUND), "tpot_ms", "perplexity")
    assert [line.label for line in info.annotations if line.axis == "y"] == ["original"]
    assert "time per token = 40.00 ms" in info.footnote
    speeds = {row.name: row.point.value("tokens_per_s") for row in rows(FOUND)}
    assert speeds["weights 4 bit"] == pytest.approx(3 * 25)
