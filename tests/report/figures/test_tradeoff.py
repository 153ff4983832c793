"""The content of a trade-off plot as data."""

from __future__ import annotations

import re

from paretoscope.recipes.stages import Distill, PruneWeights, Quantize
from paretoscope.report.figures.tradeoff import ORIGINAL, Limit, Overlay, footnote, tradeoff
from paretoscope.report.tables.table import Row, rows
from tests.documents import MACHINE, document

BASELINE = document()
INT8 = document(Quantize(), quality=0.955, speedup=2.0, size=23_000_000)
STUDENT = document(Distill(layers=3), Quantize(), quality=0.94, speedup=4.0, size=17_000_000)
PRUNED = document(PruneWeights(sparsity=0.5), quality=0.95, speedup=1.0, size=91_000_000)
TABLE = rows([BASELINE, INT8, STUDENT, PRUNED])


def test_the_front_of_the_axes_is_marked_and_stepped() -> None:
    info = tradeoff(TABLE, "size_bytes", "quality")
    states = {marker.id: marker.state for marker in info.markers}
    assert states == {
        BASELINE.trial_id: "front",
        INT8.trial_id: "front",
        STUDENT.trial_id: "front",
        PRUNED.trial_id: "dominated",
    }
    assert info.step == ((17e6, 0.94), (23e6, 0.94), (23e6, 0.955), (91e6, 0.955), (91e6, 0.96))


def test_families_are_the_strategies() -> None:
    info = tradeoff(TABLE, "size_bytes", "quality")
    assert [marker.family for marker in info.markers] == [
        "baseline",
        "quantization",
        "chain",
        "pruning",
    ]


def test_limits_only_on_axes_that_are_shown() -> None:
    info = tradeoff(
        TABLE, "latency_p50_ms", "quality", Overlay(bounds={"quality": 0.94, "size_bytes": 30e6})
    )
    assert info.limits == (Limit("y", 0.94),)


def test_annotations_are_round_multiples_of_the_baseline() -> None:
    info = tradeoff(TABLE, "latency_p50_ms", "quality")
    assert [
        (annotation.axis, round(annotation.at, 6), annotation.label)
        for annotation in info.annotations
    ] == [
        ("x", 4.0, "2x faster"),
        ("x", 2.0, "4x faster"),
        ("x", 1.0, "8x faster"),
        ("x", 0.5, "16x faster"),
        ("y", 0.96, ORIGINAL),
    ]


def test_annotations_come_from_the_paired_baseline_without_a_baseline_trial() -> None:
    info = tradeoff(rows([INT8]), "size_bytes", "quality")
    assert [annotation.label for annotation in info.annotations] == [
        "2x smaller",
        "4x smaller",
        "8x smaller",
        "16x smaller",
        ORIGINAL,
    ]


def test_points_without_a_metric_are_missing() -> None:
    without = INT8.model_copy(update={"latency": None})
    info = tradeoff(rows([BASELINE, without]), "latency_p50_ms", "quality")
    assert info.missing == (without.trial_id,)
    assert [marker.id for marker in info.markers] == [BASELINE.trial_id]


def test_picks_and_advice_of_other_scopes_are_left_out() -> None:
    info = tradeoff(
        TABLE,
        "size_bytes",
        "quality",
        Overlay(picked=[INT8.trial_id, "elsewhere"], recommended="elsewhere"),
    )
    assert info.picked == (INT8.trial_id,)
    assert info.recommended is None


def test_a_hover_text_has_everything_about_a_point() -> None:
    hover = next(
        marker.hover
        for marker in tradeoff(TABLE, "latency_p50_ms", "quality").markers
        if marker.id == INT8.trial_id
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


def test_the_alternative_text_counts_the_points_and_names_the_recommended_one() -> None:
    info = tradeoff(TABLE, "size_bytes", "quality", Overlay(recommended=INT8.trial_id))
    assert re.findall(r"\d+", info.alt)[:2] == ["4", "3"]
    assert info.alt.endswith(f"{Row(INT8).short_name}.")


def test_no_point_at_all_is_an_empty_plot() -> None:
    info = tradeoff([], "size_bytes", "quality")
    assert (info.markers, info.step, info.annotations) == ((), (), ())
