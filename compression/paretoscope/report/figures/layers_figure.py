"""The parts of a model as rows: shares of bytes and time as bars, sensitivities as a heat map."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import plotly.graph_objects as go  # pyright: ignore[reportMissingTypeStubs]

from paretoscope.report.figures.axes_ranges import PlotlyDict
from paretoscope.report.figures.layout import base_layout, hover_label, quiet_axis
from paretoscope.report.figures.palette import STYLES, Background, background, rgba

ROW_HEIGHT = 14
"""Pixels of a row."""
WITH_TICKS, WITHOUT_TICKS = 66, 28
"""Pixels above the first row, for titles with and without the columns of the heat map."""
FAINT = 0.4
"""Opacity of a bar before compression, where that after it is drawn over it."""
CELL = 13
"""Pixels of the outline of a cell."""
CHOSEN = "#D55E00"
"""Vermillion of Okabe and Ito, far from every color of the scale."""
SCALE = "Cividis"
"""A sequential scale that color-blind readers can read (Nunez et al. 2018)."""
Place = tuple[str, str]
"""Row and column of a cell, by their keys."""


@dataclass(frozen=True)
class Bars:
    """A column of bars: per cent by row, with the text of the hover box."""

    title: str
    shares: Mapping[str, float]
    hover: Mapping[str, str]
    after: Mapping[str, float] = field(default_factory=dict[str, float])
    """Shares after compression, drawn over the others on the same scale."""


@dataclass(frozen=True)
class Heat:
    """Cells of the heat map by row and column; `columns` are keys with their labels.

    Colors follow the logarithm of `values`, unless they are `linear` shares. A cell without a value
    is empty. Cells in `choices` can be clicked, those in `chosen` have an outline.
    """

    title: str
    columns: Mapping[str, str]
    values: Mapping[Place, float]
    hover: Mapping[Place, str]
    choices: frozenset[Place] = frozenset()
    chosen: frozenset[Place] = frozenset()
    linear: bool = False


def layers_figure(
    rows: Mapping[str, str], bars: Sequence[Bars], heat: Heat | None, *, dark: bool = False
) -> go.Figure:
    """`rows` are keys of parts with their labels, top down; a column is left out without a heat."""
    colors = background(dark)
    ends = _domains(len(bars), heat is not None)
    hues = (colors.accent, STYLES["reference"].color(dark))
    traces: list[PlotlyDict] = []
    for number, (column, color) in enumerate(zip(bars, hues, strict=False), start=1):
        traces += _bars(rows, column, color, f"x{number if number > 1 else ''}")
    if heat is not None:
        traces += _heat(rows, heat, f"x{len(bars) + 1}", dark=dark)
    return go.Figure(traces, _layout(rows, bars, heat, ends, colors))


def _domains(bars: int, heat: bool) -> list[tuple[float, float]]:
    """Left and right end of every column, as shares of the width."""
    widths = [1.0] * bars + ([2.4] if heat else [])
    gap = 0.03
    unit = (1 - gap * (len(widths) - 1)) / sum(widths)
    ends: list[tuple[float, float]] = []
    left = 0.0
    for width in widths:
        ends.append((left, min(1.0, left + width * unit)))
        left += width * unit + gap
    return ends


def _bars(rows: Mapping[str, str], column: Bars, color: str, axis: str) -> list[PlotlyDict]:
    shared: PlotlyDict = {
        "type": "bar",
        "orientation": "h",
        "y": list(rows.values()),
        "xaxis": axis,
        "hovertext": [column.hover.get(row, "") for row in rows],
        "hoverinfo": "text",
        "showlegend": False,
    }
    shares = [100 * column.shares.get(row, 0.0) for row in rows]
    found: list[PlotlyDict] = [
        {
            **shared,
            "x": shares,
            "text": [f"{share:.1f} %" if share >= 0.05 else "" for share in shares],
            "textposition": "outside",
            "textfont": {"size": 10},
            "cliponaxis": False,
            "marker": {"color": rgba(color, FAINT) if column.after else color},
        }
    ]
    if column.after:
        after = [100 * column.after.get(row, 0.0) for row in rows]
        found.append({**shared, "x": after, "marker": {"color": color}, "hoverinfo": "skip"})
    return found


def _heat(rows: Mapping[str, str], heat: Heat, axis: str, *, dark: bool) -> list[PlotlyDict]:
    """The colored cells; over them points without color, which can be clicked; and the outlines."""
    colors = background(dark)
    places = [(row, key) for row in rows for key in heat.columns if (row, key) in heat.values]
    invisible = {"marker": {"opacity": 0}}
    points: PlotlyDict = {
        **_at(rows, places, axis),
        "marker": {"size": CELL, "symbol": "square", "opacity": 0, "color": colors.text},
        "selected": invisible,
        "unselected": invisible,
        "hovertext": [heat.hover.get(place, "") for place in places],
        "hoverinfo": "text",
        "customdata": [[*place, int(place in heat.choices)] for place in places],
    }
    opaque = {"marker": {"opacity": 1}}
    outline: PlotlyDict = {
        **_at(rows, [place for place in places if place in heat.chosen], axis),
        "name": "Chosen",
        "selected": opaque,
        "unselected": opaque,
        "marker": {"size": CELL, "symbol": "square-open", "color": CHOSEN, "line": {"width": 3}},
        "hoverinfo": "skip",
    }
    return [_cells(rows, heat, axis, dark=dark), points, outline]


def _cells(rows: Mapping[str, str], heat: Heat, axis: str, *, dark: bool) -> PlotlyDict:
    """Colors by the logarithm of the values; a value of 0 has the color of the smallest other."""
    found = [value for value in heat.values.values() if value > 0] or [1e-6, 1.0]

    def color(place: Place) -> float | None:
        value = heat.values.get(place)
        if value is None:
            return None
        return value if heat.linear else math.log10(max(value, min(found)))

    return {
        "type": "heatmap",
        "x": list(heat.columns),
        "y": list(rows.values()),
        "z": [[color((row, key)) for key in heat.columns] for row in rows],
        "xaxis": axis,
        "colorscale": SCALE,
        "reversescale": not dark,
        "xgap": 2,
        "ygap": 2,
        "hoverinfo": "skip",
        "colorbar": _color_bar(found, heat, background(dark)),
    }


def _at(rows: Mapping[str, str], places: Sequence[Place], axis: str) -> PlotlyDict:
    return {
        "type": "scatter",
        "mode": "markers",
        "x": [key for _, key in places],
        "y": [rows[row] for row, _ in places],
        "xaxis": axis,
        "showlegend": False,
    }


def _color_bar(values: Sequence[float], heat: Heat, colors: Background) -> PlotlyDict:
    """Ticks at powers of ten, or in per cent."""
    bar: PlotlyDict = {
        "title": {"text": heat.title, "side": "right", "font": {"size": 11, "color": colors.faint}},
        "thickness": 10,
        "len": 1.0,
        "outlinewidth": 0,
        "tickfont": {"size": 11},
    }
    if heat.linear:
        return bar | {"tickformat": ".0%"}
    powers = range(math.ceil(math.log10(min(values))), math.floor(math.log10(max(values))) + 1)
    return bar | {
        "tickvals": list(powers),
        "ticktext": [f"{10.0**power:g}" for power in powers],
    }


def _layout(
    rows: Mapping[str, str],
    bars: Sequence[Bars],
    heat: Heat | None,
    ends: Sequence[tuple[float, float]],
    colors: Background,
) -> PlotlyDict:
    above = WITH_TICKS if heat else WITHOUT_TICKS
    names = [*(column.title for column in bars), *([heat_title(heat)] if heat else [])]
    titles = [
        _title(name, left, above - 10, colors) for name, (left, _) in zip(names, ends, strict=True)
    ]
    return {
        **base_layout(colors, font_size=12),
        **_x_axes(bars, heat, ends, colors),
        "height": ROW_HEIGHT * len(rows) + above + 8,
        "margin": {"l": 8, "r": 8, "t": above, "b": 8},
        "bargap": 0.25,
        "barmode": "overlay",
        "annotations": titles,
        "hoverlabel": hover_label(colors),
        "yaxis": {
            "categoryorder": "array",
            "categoryarray": list(rows.values()),
            "range": [len(rows) - 0.4, -0.6],
            "automargin": True,
            "fixedrange": True,
            "ticks": "",
            "showgrid": False,
            "tickfont": {"size": 10},
            "dtick": 1,
        },
    }


def _x_axes(
    bars: Sequence[Bars],
    heat: Heat | None,
    ends: Sequence[tuple[float, float]],
    colors: Background,
) -> PlotlyDict:
    """An axis for each column; that of the heat map has its columns above it."""
    axes: PlotlyDict = {}
    quiet = {**quiet_axis(colors), "fixedrange": True, "showgrid": False}
    for number, column in enumerate(bars, start=1):
        highest = max([*column.shares.values(), *column.after.values(), 0.001])
        axes[f"xaxis{number if number > 1 else ''}"] = {
            **quiet,
            "domain": list(ends[number - 1]),
            "range": [0, 140 * highest],
            "showticklabels": False,
        }
    if heat is not None:
        axes[f"xaxis{len(bars) + 1}"] = {
            **quiet,
            "domain": list(ends[-1]),
            "type": "category",
            "categoryorder": "array",
            "categoryarray": list(heat.columns),
            "tickvals": list(heat.columns),
            "ticktext": list(heat.columns.values()),
            "side": "top",
            "tickfont": {"size": 11},
        }
    return axes


def heat_title(heat: Heat) -> str:
    return f"{heat.title}, one part at a time"


def _title(text: str, left: float, above: int, colors: Background) -> PlotlyDict:
    return {
        "text": f"<b>{text}</b>",
        "x": left,
        "y": 1,
        "yshift": above,
        "xref": "paper",
        "yref": "paper",
        "xanchor": "left",
        "showarrow": False,
        "font": {"size": 12, "color": colors.text},
    }
