"""Parallel coordinates: every metric of every model, each axis turned so that up is better.

Axes of ratios are logarithmic. The numbers at the ends of an axis are the best and the worst value.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import plotly.graph_objects as go  # pyright: ignore[reportMissingTypeStubs]

from paretoscope.report.figures.axes_ranges import PlotlyDict
from paretoscope.report.figures.layout import base_layout, hover_label
from paretoscope.report.figures.palette import STYLES, background, rgba
from paretoscope.report.figures.tradeoff import State
from paretoscope.report.tables.table import Row
from paretoscope.trials.metrics import Metric, metric

FADED: dict[State, float] = {"front": 0.95, "near": 0.3, "dominated": 0.14, "excluded": 0.06}
"""Opacity of the line of a model in each state."""


def parallel_figure(
    table: Sequence[Row],
    keys: Sequence[str],
    states: Mapping[str, State],
    *,
    emphasized: Sequence[str] = (),
    dark: bool = False,
) -> go.Figure:
    """A line for each model that has every metric in `keys`; `emphasized` are drawn thick."""
    colors = background(dark)
    complete = [row for row in table if all(row.point.value(key) is not None for key in keys)]
    heights = [_heights(complete, metric(key)) for key in keys]
    traces = [
        _line(row, [column[row.id] for column in heights], keys, states, row.id in emphasized, dark)
        for row in sorted(complete, key=lambda row: _rank(row, states, emphasized))
    ]
    ends = [note for at, key in enumerate(keys) for note in _ends(complete, metric(key), at)]
    axis = {"showgrid": False, "zeroline": False, "showticklabels": False, "fixedrange": True}
    posts = [
        {"type": "line", "x0": at, "x1": at, "y0": 0, "y1": 1, "layer": "below"}
        | {"line": {"color": colors.faint, "width": 1}}
        for at in range(len(keys))
    ]
    small = {"size": 11.5, "color": colors.text}
    return go.Figure(
        traces,
        {
            **base_layout(colors, font_size=13),
            "height": 360,
            "margin": {"l": 56, "r": 56, "t": 44, "b": 30},
            "showlegend": False,
            "hovermode": "closest",
            "hoverlabel": hover_label(colors),
            "xaxis": {**axis, "range": [-0.05, len(keys) - 0.95]},
            "yaxis": {**axis, "range": [-0.03, 1.03]},
            "shapes": posts,
            "annotations": [{**note, "showarrow": False, "font": small} for note in ends],
        },
    )


def _rank(row: Row, states: Mapping[str, State], emphasized: Sequence[str]) -> tuple[bool, float]:
    """Faint lines first, so that clear ones lie on top."""
    return row.id in emphasized, FADED[states.get(row.id, "dominated")]


def _heights(table: Sequence[Row], of: Metric) -> dict[str, float]:
    """0 (worst) to 1 (best) of each model on an axis, by id."""
    values = {row.id: _scaled(of, row.point.value(of.key) or 0.0) for row in table}
    low, high = min(values.values(), default=0.0), max(values.values(), default=1.0)
    span = (high - low) or 1.0
    up = of.better == "higher"
    return {key: (v - low) / span if up else (high - v) / span for key, v in values.items()}


def _scaled(of: Metric, value: float) -> float:
    return math.log10(value) if of.log and value > 0 else value


def _line(
    row: Row,
    heights: Sequence[float],
    keys: Sequence[str],
    states: Mapping[str, State],
    thick: bool,
    dark: bool,
) -> PlotlyDict:
    opacity = 1.0 if thick else FADED[states.get(row.id, "dominated")]
    color = rgba(STYLES[row.family].color(dark), opacity)
    texts = "<br>".join(f"{metric(key).label}: {row.number_and_change(key)}" for key in keys)
    return {
        "type": "scatter",
        "mode": "lines+markers",
        "x": list(range(len(keys))),
        "y": list(heights),
        "line": {"color": color, "width": 3 if thick else 1.4},
        "marker": {"size": 6 if thick else 3, "color": color},
        "name": row.short_name,
        "hovertext": f"<b>{row.short_name}</b><br>{texts}",
        "hoverinfo": "text",
    }


def _ends(table: Sequence[Row], of: Metric, at: int) -> list[PlotlyDict]:
    """The name of an axis with its best value above it, and its worst value below it."""
    values = [value for row in table if (value := row.point.value(of.key)) is not None]
    if not values:
        return []
    best, worst = (
        (max(values), min(values)) if of.better == "higher" else (min(values), max(values))
    )
    return [
        {
            "x": at,
            "y": 1.03,
            "yanchor": "bottom",
            "text": f"<b>{of.called}</b><br>{of.format(best)}",
        },
        {"x": at, "y": -0.03, "yanchor": "top", "text": of.format(worst)},
    ]
