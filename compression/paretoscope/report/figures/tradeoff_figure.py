"""A trade-off plot as a plotly figure: axes, legend, labels and footnote around its traces.

The content is computed in `report/figures/tradeoff.py`. Figures are plain plotly, so that the
dashboard, a report and a notebook show the same one.
"""

from __future__ import annotations

import math
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass

import plotly.graph_objects as go  # pyright: ignore[reportMissingTypeStubs]

from paretoscope.report.figures.annotations import (
    labels,
    limits,
    out_of_range,
    reference_lines,
)
from paretoscope.report.figures.axes_ranges import AxesRanges, PlotlyDict, Range, axes_ranges
from paretoscope.report.figures.label_placement import Box
from paretoscope.report.figures.layout import axis_title, base_layout, hover_label, quiet_axis
from paretoscope.report.figures.palette import rgba
from paretoscope.report.figures.tradeoff import Marker, State, Tradeoff
from paretoscope.report.figures.tradeoff_traces import traces

TOP, RIGHT = 22, 56
"""Pixels around the plot for the labels of the reference lines."""
FOOTNOTE_WIDTH = 84
"""Characters in a line of the footnote."""
FOOTNOTE_LINE = 13
"""Pixels of such a line."""
CORNERS = {
    "bottom right": (1.0, 0.0),
    "bottom left": (0.0, 0.0),
    "top left": (0.0, 1.0),
    "top right": (1.0, 1.0),
}
"""Places of the legend, the usual one first."""
LEGEND_WIDTH, LEGEND_HEIGHT = 0.28, 0.42
"""Its size as shares of the plot."""
WEIGHTS: dict[State, float] = {"front": 5.0, "near": 1.0, "dominated": 1.0, "excluded": 0.3}


@dataclass(frozen=True)
class PlotOptions:
    """How a plot is drawn.

    `log_x` and `log_y` override the scale of the metrics; `all_points` keeps outliers in the plot;
    `height` is in pixels, None leaves it to the page; `footnote` states conditions and machine.
    """

    dark: bool = False
    log_x: bool | None = None
    all_points: bool = False
    height: int | None = 450
    legend: bool = True
    footnote: bool = True


def tradeoff_figure(info: Tradeoff, options: PlotOptions | None = None) -> go.Figure:
    """The plot of `info`."""
    options = options or PlotOptions()
    axes = axes_ranges(info, dark=options.dark, log_x=options.log_x, all_points=options.all_points)
    lines = reference_lines(axes)
    occupied = [_legend_box(axes)] if options.legend else []
    around: PlotlyDict = {
        "shapes": [*limits(axes), *lines.shapes],
        "annotations": [*lines.labels, *labels(axes, occupied), *out_of_range(axes)],
    }
    drawn = traces(axes, legend=options.legend)
    return go.Figure(drawn, _layout(axes, options) | around)


def _layout(axes: AxesRanges, options: PlotOptions) -> PlotlyDict:
    colors, info = axes.colors, axes.info
    footnote = [
        part
        for line in info.footnote.split("<br>")
        for part in textwrap.wrap(line, FOOTNOTE_WIDTH)
        if options.footnote
    ]
    below = 44 + FOOTNOTE_LINE * len(footnote)
    size: PlotlyDict = {"height": options.height} if options.height else {"autosize": True}
    return {
        **base_layout(colors, font_size=13),
        **size,
        "margin": {"l": 58, "r": RIGHT, "t": TOP, "b": below},
        "modebar": {"bgcolor": "rgba(0,0,0,0)", "color": colors.faint, "activecolor": colors.text},
        "hovermode": "closest",
        "hoverlabel": hover_label(colors),
        "showlegend": options.legend,
        "legend": _legend(axes),
        "xaxis": _axis(axes, "x", footnote),
        "yaxis": _axis(axes, "y", []),
    }


def _legend(axes: AxesRanges) -> PlotlyDict:
    x, y = _corner(axes)
    return {
        "x": 0.995 if x else 0.005,
        "xanchor": "right" if x else "left",
        "y": 0.985 if y else 0.015,
        "yanchor": "top" if y else "bottom",
        "bgcolor": rgba(axes.colors.paper, 0.75),
        "font": {"size": 11.5, "color": axes.colors.text},
        "itemclick": False,
        "itemdoubleclick": False,
        "tracegroupgap": 0,
    }


def _legend_box(axes: AxesRanges) -> Box:
    x, y = _corner(axes)
    left, bottom = x * (1 - LEGEND_WIDTH), y * (1 - LEGEND_HEIGHT)
    return left, bottom, left + LEGEND_WIDTH, bottom + LEGEND_HEIGHT


def _corner(axes: AxesRanges) -> tuple[float, float]:
    """The corner of the legend, where it covers the least."""
    places = [(*axes.place(*axes.shown(each)), _weight(axes, each)) for each in axes.info.markers]

    def covered(corner: tuple[float, float]) -> float:
        at_x, at_y = corner
        return sum(
            weight
            for x, y, weight in places
            if abs(x - at_x) < LEGEND_WIDTH and abs(y - at_y) < LEGEND_HEIGHT
        )

    return min(CORNERS.values(), key=covered)


def _weight(axes: AxesRanges, marker: Marker) -> float:
    """How bad it is to cover a point."""
    return 20.0 if marker.id in axes.info.emphasized else WEIGHTS[marker.state]


def _axis(axes: AxesRanges, which: str, footnote: list[str]) -> PlotlyDict:
    """One axis; the footnote is under the title of the horizontal one."""
    of, ends, log = (
        (axes.info.x, axes.x_range, axes.log_x)
        if which == "x"
        else (axes.info.y, axes.y_range, axes.log_y)
    )
    small = f"<br><span style='font-size:10px'>{'<br>'.join(footnote)}</span>" if footnote else ""
    title = axis_title(axes.colors, f"{of.axis_title}{small}")
    axis = {**quiet_axis(axes.colors), "title": title}
    if not log:
        return axis | {"range": list(ends)}
    ticks = list(_round_numbers(ends))
    return axis | {
        "type": "log",
        "range": [math.log10(end) for end in ends],
        "tickvals": ticks,
        "ticktext": [f"{tick:g}" for tick in ticks],
    }


def _round_numbers(ends: Range) -> Iterator[float]:
    """1, 2 and 5 times the powers of ten between the ends; further ones where these are few.

    >>> list(_round_numbers((0.4, 6)))
    [0.5, 1.0, 2.0, 5.0]
    >>> list(_round_numbers((21, 29)))
    [22.0, 24.0, 26.0, 28.0]
    """
    low, high = ends
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    found = [
        float(f"{factor}e{power}")
        for power in powers
        for factor in (1, 2, 5)
        if low <= factor * 10.0**power <= high
    ]
    if len(found) < 3:
        step = next(
            factor * 10.0**power
            for power in powers
            for factor in (0.1, 0.2, 0.5, 1, 2, 5)
            if (high - low) / (factor * 10.0**power) <= 5
        )
        first = math.ceil(low / step)
        found = [round(n * step, 12) for n in range(first, math.floor(high / step) + 1)]
    yield from found
