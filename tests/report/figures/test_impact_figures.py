"""The tornado and the savings over a year: bars and lines end where the figures say."""

from __future__ import annotations

from typing import Any

from paretoscope.impact.ends import Ends
from paretoscope.impact.tornado import Bar
from paretoscope.report.figures.cumulative_figure import YEAR, Saved, cumulative_figure
from paretoscope.report.figures.tornado_figure import tornado_figure

BARS = [Bar("Requests a day", "1 to 4", 50, 200), Bar("Speed", "0.5 to 1.5", 150, 70)]


def traces(figure: Any) -> list[Any]:
    """The traces of a figure; plotly has no types."""
    return list(figure.data)


def test_bars_reach_from_the_value_to_both_ends() -> None:
    low, high = traces(tornado_figure(BARS, 100, "usd"))
    assert [low.base + length for length in low.x] == [50, 150]
    assert [high.base + length for length in high.x] == [200, 70]
    assert list(low.y) == list(high.y)


def test_the_line_starts_below_zero_and_crosses_it_on_the_day_of_break_even() -> None:
    model = Saved("int8", "quantization", Ends(365, 300, 400), own=10, days=10)
    band, line, marker = traces(cumulative_figure([model], "usd"))
    assert (line.y[0], line.y[-1]) == (-10, 355)
    assert (marker.x[0], marker.y[0]) == (10, 0)
    assert list(band.y) == [-10, 390, 290, -10]
    assert max(line.x) == YEAR


def test_a_model_that_is_not_repaid_has_no_marker() -> None:
    never = Saved("int8", "quantization", Ends(0, 0, 0), own=10, days=None)
    late = Saved("int8", "quantization", Ends(1, 1, 1), own=10, days=3650)
    for model in (never, late):
        assert len(traces(cumulative_figure([model], "kwh"))) == 2
