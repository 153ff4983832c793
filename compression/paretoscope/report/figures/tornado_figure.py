"""A tornado: how far each assumption moves a saving, the longest bar on top."""

from __future__ import annotations

from collections.abc import Sequence

import plotly.graph_objects as go  # pyright: ignore[reportMissingTypeStubs]

from paretoscope.impact.tornado import Bar
from paretoscope.impact.wording import amount, with_unit
from paretoscope.impact.yearly import Measure
from paretoscope.report.figures.axes_ranges import PlotlyDict
from paretoscope.report.figures.layout import axis_title, base_layout, hover_label, quiet_axis
from paretoscope.report.figures.palette import STYLES, Background, background
from paretoscope.report.figures.saving_axis import title

ROW_HEIGHT, MARGINS = 30, 96
"""Pixels of a bar, and of the axis with its title."""


def tornado_figure(
    bars: Sequence[Bar], value: float, measure: Measure, *, dark: bool = False
) -> go.Figure:
    """Bars from the saving at an input's low value to that at its high value.

    `value` is the saving under the assumptions, a vertical line.
    """
    colors = background(dark)
    names = [
        f'{bar.label} <span style="font-size:11px;color:{colors.faint}">{bar.span}</span>'
        for bar in bars
    ]
    traces = [
        _ends(bars, names, "at_low", value, STYLES["quantization"].color(dark), measure),
        _ends(bars, names, "at_high", value, STYLES["pruning"].color(dark), measure),
    ]
    return go.Figure(traces, _layout(len(bars), value, measure, colors))


def _ends(
    bars: Sequence[Bar], names: Sequence[str], end: str, value: float, color: str, measure: Measure
) -> PlotlyDict:
    """The half of every bar at its low or high input."""
    which = "low" if end == "at_low" else "high"
    found = [getattr(bar, end) for bar in bars]
    return {
        "type": "bar",
        "orientation": "h",
        "y": list(names),
        "x": [each - value for each in found],
        "base": value,
        "width": 0.55,
        "name": f"at the {which} value",
        "marker": {"color": color},
        "hovertext": [
            f"<b>{bar.label}</b> {bar.span}<br>{which}: {with_unit(measure, each)} saved"
            for bar, each in zip(bars, found, strict=True)
        ],
        "hoverinfo": "text",
    }


def _layout(count: int, value: float, measure: Measure, colors: Background) -> PlotlyDict:
    return {
        **base_layout(colors, font_size=13),
        "height": ROW_HEIGHT * count + MARGINS,
        "margin": {"l": 8, "r": 12, "t": 26, "b": 64},
        "barmode": "overlay",
        "hoverlabel": hover_label(colors),
        "legend": {
            "orientation": "h",
            "x": 0,
            "xanchor": "left",
            "xref": "container",
            "y": 0,
            "yref": "container",
            "yanchor": "bottom",
            "font": {"size": 12},
        },
        "xaxis": {
            **quiet_axis(colors),
            "title": axis_title(colors, title(measure)),
            "automargin": True,
        },
        "yaxis": {
            **quiet_axis(colors),
            "autorange": "reversed",
            "tickfont": {"color": colors.text, "size": 12},
            "automargin": True,
            "fixedrange": True,
        },
        "shapes": [_line(value, colors)],
        "annotations": [_value_label(value, colors)],
    }


def _value_label(value: float, colors: Background) -> PlotlyDict:
    """Above the line."""
    return {
        "x": value,
        "y": 1,
        "yref": "paper",
        "yanchor": "bottom",
        "showarrow": False,
        "text": f"your assumptions: {amount(value)}",
        "font": {"color": colors.faint, "size": 12},
    }


def _line(value: float, colors: Background) -> PlotlyDict:
    line = {"color": colors.text, "width": 1}
    return {
        "type": "line",
        "x0": value,
        "x1": value,
        "y0": 0,
        "y1": 1,
        "yref": "paper",
        "line": line,
    }
