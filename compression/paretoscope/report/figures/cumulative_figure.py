"""Savings over the first year, from the cost of making the model on, with the day of break-even."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import plotly.graph_objects as go  # pyright: ignore[reportMissingTypeStubs]

from paretoscope.impact.ends import Ends
from paretoscope.impact.wording import days, with_unit
from paretoscope.impact.yearly import Measure
from paretoscope.report.figures.axes_ranges import PlotlyDict
from paretoscope.report.figures.layout import axis_title, base_layout, hover_label, quiet_axis
from paretoscope.report.figures.palette import STYLES, background, rgba
from paretoscope.report.figures.saving_axis import title
from paretoscope.report.tables.strategy import Family

YEAR = 365.0
DASHES = ("solid", "dash", "dot")
MONTHS = 73.0
"""Days between two ticks."""


@dataclass(frozen=True)
class Saved:
    """A model: what a year saves, what making it cost, and the days until break-even."""

    name: str
    family: Family
    year: Ends
    own: float
    days: float | None


def cumulative_figure(
    models: Sequence[Saved], measure: Measure, *, dark: bool = False, height: int = 340
) -> go.Figure:
    """A line for each model with the band of its interval; the axis ends after a year."""
    colors = background(dark)
    traces = [
        trace
        for place, model in enumerate(models)
        for trace in _traces(model, place, measure, dark)
    ]
    layout: PlotlyDict = {
        **base_layout(colors, font_size=13),
        "height": height,
        "margin": {"l": 8, "r": 12, "t": 12, "b": 8},
        "hovermode": "closest",
        "hoverlabel": hover_label(colors),
        "legend": {"x": 0.02, "y": 0.98, "xanchor": "left", "yanchor": "top", "font": {"size": 12}},
        "xaxis": {
            **quiet_axis(colors),
            "title": axis_title(colors, "Days in use"),
            "range": [0, YEAR * 1.02],
            "dtick": MONTHS,
            "automargin": True,
        },
        "yaxis": {
            **quiet_axis(colors),
            "zeroline": True,
            "zerolinecolor": colors.faint,
            "title": axis_title(colors, title(measure).replace(" a year", "")),
            "automargin": True,
        },
    }
    return go.Figure(traces, layout)


def _traces(model: Saved, place: int, measure: Measure, dark: bool) -> list[dict[str, Any]]:
    """The band, the line and the marker of the break-even day."""
    style = STYLES[model.family]
    color = style.color(dark)
    shared = {"type": "scatter", "legendgroup": str(place)}
    ends = (-model.own, -model.own)
    band = {
        **shared,
        "x": [0, YEAR, YEAR, 0],
        "y": [ends[0], model.year.high - model.own, model.year.low - model.own, ends[1]],
        "mode": "none",
        "fill": "toself",
        "fillcolor": rgba(color, 0.15),
        "showlegend": False,
        "hoverinfo": "skip",
    }
    at = [day * YEAR / 12 for day in range(13)]
    saved = [model.year.value * day / YEAR - model.own for day in at]
    line = {
        **shared,
        "x": at,
        "y": saved,
        "mode": "lines",
        "line": {"color": color, "width": 2, "dash": DASHES[place % len(DASHES)]},
        "name": f"{style.glyph} {model.name}",
        "hovertext": [
            f"<b>{model.name}</b><br>{day:.0f} days: {with_unit(measure, value)} saved"
            for day, value in zip(at, saved, strict=True)
        ],
        "hoverinfo": "text",
    }
    repaid = model.days is not None and math.isfinite(model.days) and model.days <= YEAR
    return [band, line, *([shared | _marker(model, dark)] if repaid else [])]


def _marker(model: Saved, dark: bool) -> dict[str, Any]:
    """The day of break-even."""
    style = STYLES[model.family]
    return {
        "x": [model.days],
        "y": [0],
        "mode": "markers",
        "marker": {
            "symbol": style.symbol,
            "size": 11,
            "color": style.color(dark),
            "line": {"width": 1, "color": background(dark).paper},
        },
        "showlegend": False,
        "hovertext": [f"<b>{model.name}</b><br>pays back in {days(model.days or 0)}"],
        "hoverinfo": "text",
    }
