"""The accuracy of each class as a dot plot: a row for each class, a dot for each model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import plotly.graph_objects as go  # pyright: ignore[reportMissingTypeStubs]

from paretoscope.report.figures.axes_ranges import PlotlyDict
from paretoscope.report.figures.layout import axis_title, base_layout, hover_label, quiet_axis
from paretoscope.report.figures.model_styles import ModelStyle, model_styles
from paretoscope.report.figures.palette import Background, background
from paretoscope.report.tables.strategy import Family
from paretoscope.statistics.classes import ClassAccuracy

SPREAD = 0.64
"""The part of a row over which its dots are spread."""
DOT, ROOM = 15, 12
"""Pixels of a dot's line, and of the space between rows."""
MOST_LETTERS = 18


@dataclass(frozen=True)
class ModelClasses:
    """The accuracy of one model by class; None for a class without examples."""

    name: str
    family: Family
    classes: Sequence[ClassAccuracy | None]


def class_accuracy_figure(
    models: Sequence[ModelClasses], classes: Sequence[str], *, dark: bool = False
) -> go.Figure:
    """Classes from the most to the least examples; lines are 95 % Wilson intervals."""
    sizes = [_examples(models, at) for at in range(len(classes))]
    order = sorted(range(len(classes)), key=lambda at: -sizes[at])
    styles = model_styles([model.family for model in models], dark=dark)
    traces = [
        _trace(model, style, order, classes, _offset(place, len(models)))
        for place, (model, style) in enumerate(zip(models, styles, strict=True))
    ]
    names = [f"{_short(classes[at])} ({sizes[at]})" for at in order]
    return go.Figure(traces, _layout(names, len(models), background(dark)))


def _examples(models: Sequence[ModelClasses], at: int) -> int:
    """The number of examples of a class, which all models share."""
    return max((found.n for model in models if (found := model.classes[at])), default=0)


def _offset(place: int, count: int) -> float:
    """The vertical place of a model within a row, the first one on top."""
    return SPREAD * (place / (count - 1) - 0.5) if count > 1 else 0.0


def _trace(
    model: ModelClasses,
    style: ModelStyle,
    order: Sequence[int],
    classes: Sequence[str],
    offset: float,
) -> PlotlyDict:
    shown = [(row, at, each) for row, at in enumerate(order) if (each := model.classes[at])]
    return {
        "type": "scatter",
        "mode": "markers",
        "name": model.name,
        "x": [100 * each.value for _, _, each in shown],
        "y": [row + offset for row, _, _ in shown],
        "marker": {"symbol": style.symbol, "color": style.color, "size": 9},
        "error_x": {
            "type": "data",
            "symmetric": False,
            "array": [100 * (each.high - each.value) for _, _, each in shown],
            "arrayminus": [100 * (each.value - each.low) for _, _, each in shown],
            "thickness": 1.2,
            "width": 0,
            "color": style.color,
        },
        "hovertext": [
            f"<b>{classes[at]}</b><br>{model.name}: {100 * each.value:.1f} %"
            f" [{100 * each.low:.1f}, {100 * each.high:.1f}], {each.correct} of {each.n}"
            for _, at, each in shown
        ],
        "hoverinfo": "text",
    }


def _layout(names: Sequence[str], models: int, colors: Background) -> PlotlyDict:
    return {
        **base_layout(colors, font_size=12),
        "height": len(names) * (DOT * models + ROOM) + 96,
        "margin": {"l": 8, "r": 12, "t": 8, "b": 8},
        "hoverlabel": hover_label(colors),
        "legend": {"orientation": "h", "y": 1, "yanchor": "bottom", "x": 0, "font": {"size": 12}},
        "xaxis": {
            **quiet_axis(colors),
            "title": axis_title(colors, "Accuracy of the class (%)"),
            "fixedrange": True,
        },
        "yaxis": {
            "tickvals": list(range(len(names))),
            "ticktext": list(names),
            "range": [len(names) - 0.5, -0.5],
            "ticks": "",
            "gridcolor": colors.grid,
            "zeroline": False,
            "automargin": True,
            "fixedrange": True,
        },
    }


def _short(name: str) -> str:
    return name if len(name) <= MOST_LETTERS else f"{name[: MOST_LETTERS - 1]}…"
