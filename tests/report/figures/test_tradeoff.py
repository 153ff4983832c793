"""What a trade-off plot shows, read as data."""

from __future__ import annotations

from paretoscope.recipes.stages import Distill, PruneWeights, Quantize
from paretoscope.report.figures.tradeoff import Limit, footnote, tradeoff
from paretoscope.report.tables.table import Row, rows
from tests.documents import MACHINE, document

BASELINE = document()
INT8 = document(Quantize(), quality=0.955, speedup=2.0, size=23_000_000)
STUDENT = document(Distill(layers=3), Quantize(), quality=0.94, speedup=4.0, size=17_000_000)
PRUNED = document(PruneWeights(sparsity=0.5), quality=0.95, speedup=1.0, size=91_000_000)
TABLE = rows([BASELINE, INT8, STUDENT, PRUNED])


def test_the_front_of_the_axes_is_marked_and_stepped() -> None:
    info = tradeoff(TABLE, "size_bytes", "quality")
    states = {mark.name: mark.state for mark in info.marks}
    assert states == {
        "fp32 baseline": "front",
        "int8 dynamic": "front",
        "student-3 → int8 dynamic": "front",
        "magnitude 50 %": "dominated",
    }
    assert info.step == ((17e6, 0.94), (23e6, 0.94), (23e6, 0.955), (91e6, 0.955), (91e6, 0.96))


def test_families_are_the_strategies() -> None:
    info = tradeoff(TABLE, "size_bytes", "quality")
    assert [mark.family for mark in info.marks] == ["baseline", "quantization", "chain", "pruning"]


def test_limits_only_on_axes_that_are_shown() -> None:
    info = tradeoff(
        TABLE, "latency_p50_ms", "quality", bounds={"quality": 0.94, "size_bytes": 30e6}
    )
    assert info.limits == (Limit("y", 0.94),)


def test_guides_are_round_multiples_of_the_baseline() -> None:
    info = tradeoff(TABLE, "latency_p50_ms", "quality")
    assert [(guide.axis, round(guide.at, 6), guide.label) for guide in info.guides] == [
        ("x", 4.0, "2x faster"),
        ("x", 2.0, "4x faster"),
        ("x", 1.0, "8x faster"),
        ("y", 0.95, "-1 point"),
    ]


def test_guides_come_from_the_sitting_when_the_baseline_itself_is_not_there() -> None:
    info = tradeoff(rows([INT8]), "size_bytes", "quality")
    assert [guide.label for guide in info.guides] == [
        "2x smaller",
        "4x smaller",
        "8x smaller",
        "-1 point",
    ]


def test_what_lacks_a_metric_is_listed_aside() -> None:
    without = INT8.model_copy(update={"latency": None})
    info = tradeoff(rows([BASELINE, without]), "latency_p50_ms", "quality")
    assert info.aside == (without.trial_id,)
    assert [mark.name for mark in info.marks] == ["fp32 baseline"]


def test_picks_and_advice_of_other_scopes_are_left_out() -> None:
    info = tradeoff(
        TABLE, "size_bytes", "quality", picked=[INT8.trial_id, "elsewhere"], recommended="elsewhere"
    )
    assert info.picked == (INT8.trial_id,)
    assert info.recommended is None


def test_a_hover_says_everything_about_a_point() -> None:
    hover = next(
        mark.hover
        for mark in tradeoff(TABLE, "latency_p50_ms", "quality").marks
        if mark.id == INT8.trial_id
    )
    for part in (
        "int8 dynamic",
        "95.5 % [94.0, 96.7] (-0.5 points)",
        "4.00 ms",
        "(2.0x faster)",
        "538 examples (validation)",
        "120 timed requests",
    ):
        assert part in hover
    for part in ("batch 1, 32 tokens, 2 threads", "Test CPU, 2 cores, VNNI", "01 Mar 2026"):
        assert part in hover


def test_the_footnote_never_hides_a_second_machine() -> None:
    other = INT8.model_copy(update={"machine": MACHINE.model_copy(update={"id": "beef0123beef"})})
    assert "2 machines" in footnote([Row(BASELINE), Row(other)])
    assert (
        footnote([Row(BASELINE)])
        == "batch 1, 32 tokens, 2 threads · 01 Mar 2026<br>Test CPU, 2 cores, VNNI"
    )


def test_it_says_itself_to_a_screen_reader() -> None:
    info = tradeoff(TABLE, "size_bytes", "quality", recommended=INT8.trial_id)
    assert (
        info.alt
        == "Accuracy against size on disk of 4 models, 3 of them on the front. Recommended: int8"
        " dynamic."
    )


def test_no_point_at_all_is_an_empty_plot() -> None:
    info = tradeoff([], "size_bytes", "quality")
    assert (info.marks, info.step, info.guides) == ((), (), ())
