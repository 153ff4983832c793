"""Parallel coordinates: up is better on every axis."""

from __future__ import annotations

import math

import pytest

from paretoscope.recipes.stages import Quantize
from paretoscope.report.figures.parallel_figure import parallel_figure
from paretoscope.report.tables.table import rows
from tests.documents import document

BEST = document(Quantize(), quality=0.99, speedup=4.0, size=10_000_000)
WORST = document(Quantize(scheme="int8-static"), quality=0.90, speedup=1.0, size=90_000_000)
MIDDLE = document(Quantize(scheme="weight-only"), quality=0.945, speedup=2.0, size=30_000_000)
KEYS = ("quality", "size_bytes", "latency_p50_ms", "speedup")


def test_the_best_model_is_at_the_top_of_every_axis_and_the_worst_at_the_bottom() -> None:
    figure = parallel_figure(rows([BEST, WORST, MIDDLE]), KEYS, {}).to_plotly_json()
    heights = {trace["name"]: list(trace["y"]) for trace in figure["data"]}
    names = {row.id: row.short_name for row in rows([BEST, WORST, MIDDLE])}
    assert heights[names[BEST.trial_id]] == pytest.approx([1.0] * 4)
    assert heights[names[WORST.trial_id]] == pytest.approx([0.0] * 4)
    middle = heights[names[MIDDLE.trial_id]]
    assert middle[0] == pytest.approx(0.5)
    assert middle[1] == pytest.approx(math.log(90 / 30) / math.log(90 / 10))
    assert middle[3] == pytest.approx(0.5)


def test_each_axis_is_named_with_its_best_value_above_and_its_worst_below() -> None:
    notes = parallel_figure(rows([BEST, WORST]), KEYS, {}).to_plotly_json()["layout"]["annotations"]
    above = [note["text"] for note in notes if note["y"] > 1]
    below = [note["text"] for note in notes if note["y"] < 0]
    assert above[1] == "<b>size</b><br>10.0 MB"
    assert below[1] == "90.0 MB"


def test_a_model_without_one_of_the_metrics_has_no_line() -> None:
    table = rows([BEST, WORST])
    assert not parallel_figure(table, ("quality", "ttft_ms"), {}).to_plotly_json()["data"]
