"""The map of the layers: bars in per cent, a heat map on a logarithmic scale, chosen cells."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest

from paretoscope.report.figures.layers_figure import Bars, Heat, layers_figure

ROWS = {"a": "Part a", "b": "Part b"}
BARS = Bars("Bytes", {"a": 0.75, "b": 0.25}, {"a": "three quarters"}, after={"a": 0.2})
HEAT = Heat(
    "KL",
    {"4 bits": "4", "2 bits": "2"},
    {("a", "4 bits"): 0.01, ("a", "2 bits"): 0.1, ("b", "2 bits"): 0.0},
    {("a", "4 bits"): "hover"},
    choices=frozenset({("a", "4 bits")}),
    chosen=frozenset({("a", "4 bits")}),
)


def traces(*, heat: Heat | None = HEAT, dark: bool = False) -> list[Any]:
    return list(layers_figure(ROWS, [BARS], heat, dark=dark).to_dict()["data"])


def test_bars_are_per_cent_and_those_after_share_their_scale() -> None:
    before, after = (each for each in traces(heat=None) if each["type"] == "bar")
    assert list(before["x"]) == [75, 25]
    assert list(after["x"]) == [20, 0]


@pytest.mark.parametrize("dark", [False, True])
def test_cells_are_logarithms_and_a_missing_one_is_empty(dark: bool) -> None:
    (cells,) = (each for each in traces(dark=dark) if each["type"] == "heatmap")
    assert [list(row) for row in cells["z"]] == [
        [pytest.approx(math.log10(0.01)), pytest.approx(-1)],
        [None, pytest.approx(math.log10(0.01))],  # 0 has the color of the smallest other value
    ]
    assert cells["reversescale"] is not dark


def test_linear_values_are_not_changed() -> None:
    (cells,) = (
        each for each in traces(heat=replace(HEAT, linear=True)) if each["type"] == "heatmap"
    )
    assert [list(row) for row in cells["z"]] == [[0.01, 0.1], [None, 0.0]]


def test_points_say_whether_they_can_be_chosen() -> None:
    points, outline = (each for each in traces() if each["type"] == "scatter")
    assert [list(each) for each in points["customdata"]] == [
        ["a", "4 bits", 1],
        ["a", "2 bits", 0],
        ["b", "2 bits", 0],
    ]
    assert list(zip(outline["x"], outline["y"], strict=True)) == [("4 bits", "Part a")]


def test_rows_are_top_down_and_make_the_figure_higher() -> None:
    few = layers_figure(ROWS, [BARS], HEAT).to_dict()["layout"]
    many = layers_figure({str(at): str(at) for at in range(9)}, [BARS], HEAT).to_dict()["layout"]
    assert few["yaxis"]["range"][0] > few["yaxis"]["range"][1]
    assert many["height"] > few["height"]
