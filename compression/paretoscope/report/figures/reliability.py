"""A reliability diagram: accuracy against confidence, a line for each model.

A calibrated model is on the diagonal; below it a model is more confident than it is correct. The
area of a marker is the share of predictions in its bin.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import plotly.graph_objects as go  # pyright: ignore[reportMissingTypeStubs]

from paretoscope.report.figures.axes_ranges import PlotlyDict
from paretoscope.report.figures.layout import axis_title, base_layout, hover_label, quiet_axis
from paretoscope.report.figures.model_styles import ModelStyle, model_styles
from paretoscope.report.figures.palette import Background, background, rgba
from paretoscope.report.tables.strategy import Family
from paretoscope.statistics.calibration import Bin, Calibration

SMALLEST, LARGEST = 6.0, 22.0
"""Diameters of markers in pixels."""
MOST_INTERVALS = 2
"""Of more models, intervals are in the hover text only."""
DIAGONAL = "calibrated"
FAINT = 0.5
"""Opacity of the lines, which only connect the markers of one model."""


@dataclass(frozen=True)
class ModelCalibration:
    """The calibration of one model."""

    name: str
    family: Family
    found: Calibration


def ece_in_words(found: Calibration) -> str:
    """The expected calibration error with its interval.

    >>> ece_in_words(Calibration((), 808, 0.0213, 0.0104, 0.0331))
    '2.1 % [1.0, 3.3]'
    """
    ends = f"[{100 * found.ece_low:.1f}, {100 * found.ece_high:.1f}]"
    return f"{100 * found.ece:.1f} % {ends}"


def reliability_figure(
    models: Sequence[ModelCalibration], *, dark: bool = False, height: int = 380
) -> go.Figure:
    """Accuracy of each confidence bin, with 95 % Wilson intervals for up to two models."""
    colors = background(dark)
    styles = model_styles([model.family for model in models], dark=dark)
    lowest = min(each.low for model in models for each in model.found.bins)
    diagonal: PlotlyDict = {
        "type": "scatter",
        "mode": "lines",
        "x": [100 * lowest, 100],
        "y": [100 * lowest, 100],
        "line": {"color": colors.faint, "width": 1.5, "dash": "dot"},
        "name": DIAGONAL,
        "hoverinfo": "skip",
    }
    intervals = len(models) <= MOST_INTERVALS
    traces = [_trace(*pair, intervals) for pair in zip(models, styles, strict=True)]
    height += 20 * len(models)
    return go.Figure([diagonal, *traces], _layout(colors, 100 * lowest, height))


def _trace(model: ModelCalibration, style: ModelStyle, intervals: bool) -> PlotlyDict:
    bins = model.found.bins
    trace: PlotlyDict = {
        "type": "scatter",
        "mode": "lines+markers",
        "name": model.name,
        "x": [100 * each.confidence for each in bins],
        "y": [100 * each.accuracy for each in bins],
        "line": {"color": rgba(style.color, FAINT), "width": 1.5, "dash": style.dash},
        "marker": {
            "symbol": style.symbol,
            "color": style.color,
            "size": [_diameter(each.n / model.found.n) for each in bins],
            "opacity": 0.85,
        },
        "hovertext": [_hover(model.name, each) for each in bins],
        "hoverinfo": "text",
    }
    if intervals:
        trace["error_y"] = {
            "type": "data",
            "symmetric": False,
            "array": [100 * (each.accuracy_high - each.accuracy) for each in bins],
            "arrayminus": [100 * (each.accuracy - each.accuracy_low) for each in bins],
            "thickness": 1,
            "width": 0,
            "color": style.color,
        }
    return trace


def _diameter(share: float) -> float:
    """The area grows with the share; small bins stay visible."""
    return SMALLEST + (LARGEST - SMALLEST) * math.sqrt(share)


def _hover(name: str, each: Bin) -> str:
    return (
        f"<b>{name}</b><br>confidence {100 * each.low:.0f} to {100 * each.high:.0f} %:"
        f" {each.n} predictions<br>mean confidence {100 * each.confidence:.1f} %<br>accuracy"
        f" {100 * each.accuracy:.1f} % [{100 * each.accuracy_low:.1f},"
        f" {100 * each.accuracy_high:.1f}]"
    )


def _layout(colors: Background, lowest: float, height: int) -> PlotlyDict:
    return {
        **base_layout(colors, font_size=12),
        "height": height,
        "margin": {"l": 8, "r": 12, "t": 8, "b": 8},
        "hovermode": "closest",
        "hoverlabel": hover_label(colors),
        "legend": {
            "yref": "container",
            "y": 0,
            "yanchor": "bottom",
            "x": 0,
            "xanchor": "left",
            "font": {"size": 12},
        },
        "xaxis": {
            **quiet_axis(colors),
            "title": axis_title(colors, "Confidence (%)"),
            "range": [lowest - 1, 101.5],
            "automargin": True,
            "fixedrange": True,
        },
        "yaxis": {
            **quiet_axis(colors),
            "title": axis_title(colors, "Accuracy (%)"),
            "range": [-2, 104],
            "automargin": True,
            "fixedrange": True,
        },
    }
