"""A trade-off plot as a plotly figure: axes, labels and footnote around its traces.

The content is computed in `report/figures/tradeoff.py`. Figures are plain plotly, so that the
dashboard, a report and a notebook show the same one.
"""

from __future__ import annotations

import math
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import plotly.graph_objects as go  # pyright: ignore[reportMissingTypeStubs]

from paretoscope.report.figures.annotations import (
    labels,
    limits,
    out_of_range,
    reference_lines,
)
from paretoscope.report.figures.axes_ranges import AxesRanges, PlotlyDict, Range, axes_ranges
from paretoscope.report.figures.layout import axis_title, base_layout, hover_label, quiet_axis
from paretoscope.report.figures.tradeoff import Tradeoff
from paretoscope.report.figures.tradeoff_traces import traces

TOP_WITH_LEGEND = 52
"""Pixels above the plot: labels of the reference lines, and above them the legend."""
TOP = 46
"""Likewise without a legend; the mode bar is there, which touch screens always show."""
TOP_COMPACT = 24
FOOTNOTE_WIDTH = 84
"""Characters in a line of the footnote."""
FOOTNOTE_LINE = 13
"""Pixels of such a line."""


@dataclass(frozen=True)
class PlotOptions:
    """How a plot is drawn.

    `all_points` keeps outliers in the plot. `compact` leaves out labels and footnote, for plots of
    half the usual width. `align_with` is the longest footnote among the plots in the same row, so
    that their axes line up.
    """

    dark: bool = False
    log_x: bool = False
    all_points: bool = False
    height: int = 450
    legend: bool = True
    compact: bool = False
    align_with: str = ""

    @property
    def top(self) -> int:
        """Pixels above the plot."""
        return TOP_WITH_LEGEND if self.legend else TOP_COMPACT if self.compact else TOP


def tradeoff_figure(info: Tradeoff, options: PlotOptions | None = None) -> go.Figure:
    """The plot of `info`."""
    options = options or PlotOptions()
    axes = axes_ranges(info, dark=options.dark, log_x=options.log_x, all_points=options.all_points)
    lines = reference_lines(axes, options.compact)
    names: list[PlotlyDict] = [] if options.compact else [*labels(axes, lines.occupied)]
    around: PlotlyDict = {
        "shapes": [*limits(axes), *lines.shapes],
        "annotations": [*lines.labels, *names, *out_of_range(axes)],
    }
    footnote = [] if options.compact else _aligned(info.footnote, options.align_with)
    drawn = traces(axes, legend=options.legend)
    return go.Figure(drawn, _layout(axes, options, footnote) | around)


def _aligned(footnote: str, other: str) -> list[str]:
    """The lines of a footnote, padded to the number of lines of `other`."""
    mine, its = (
        [
            part
            for line in text.split("<br>")
            for part in textwrap.wrap(line, FOOTNOTE_WIDTH) or [""]
        ]
        for text in (footnote, other)
    )
    return [*mine, *["\u00a0"] * (len(its) - len(mine))]


def _layout(axes: AxesRanges, options: PlotOptions, footnote: Sequence[str]) -> PlotlyDict:
    colors, top = axes.colors, options.top
    height = options.height if options.compact else options.height - TOP_WITH_LEGEND + top
    upright = {
        **quiet_axis(colors),
        "title": axis_title(colors, axes.info.y.axis_title),
        "range": list(axes.y_range),
    }
    return {
        **base_layout(colors, font_size=13),
        # The plot keeps its height however long the footnote is.
        "height": height + FOOTNOTE_LINE * max(0, len(footnote) - 2),
        "margin": {"l": 62, "r": 12, "t": top, "b": 58 + FOOTNOTE_LINE * len(footnote)},
        "modebar": {"bgcolor": "rgba(0,0,0,0)", "color": colors.faint, "activecolor": colors.text},
        "hovermode": "closest",
        "hoverlabel": hover_label(colors),
        "showlegend": options.legend,
        "legend": {
            "orientation": "h",
            "y": 1.07,
            "yanchor": "bottom",
            "x": 0,
            "xanchor": "left",
            "font": {"size": 12},
        },
        "xaxis": _x_axis(axes, footnote, compact=options.compact),
        "yaxis": upright,
    }


def _x_axis(axes: AxesRanges, footnote: Sequence[str], *, compact: bool) -> PlotlyDict:
    """The axis with the footnote under its title."""
    x = axes.info.x
    small = f"<br><span style='font-size:10px'>{'<br>'.join(footnote)}</span>" if footnote else ""
    title = f"{x.with_unit} {x.arrow[0]}" if compact else x.axis_title
    axis = {**quiet_axis(axes.colors), "title": axis_title(axes.colors, f"{title}{small}")}
    if not axes.log_x:
        return axis | {"range": list(axes.x_range)}
    ticks = list(_round_numbers(axes.x_range))
    return axis | {
        "type": "log",
        "range": [math.log10(end) for end in axes.x_range],
        "tickvals": ticks,
        "ticktext": [f"{tick:g}" for tick in ticks],
    }


def _round_numbers(ends: Range) -> Iterator[float]:
    """1, 2 and 5 times the powers of ten between the ends.

    >>> list(_round_numbers((0.4, 6)))
    [0.5, 1.0, 2.0, 5.0]
    """
    for power in range(math.floor(math.log10(ends[0])), math.ceil(math.log10(ends[1])) + 1):
        yield from (
            float(f"{factor}e{power}")
            for factor in (1, 2, 5)
            if ends[0] <= factor * 10.0**power <= ends[1]
        )
