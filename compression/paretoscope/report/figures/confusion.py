"""A confusion matrix: the true class in rows, the predicted class in columns.

Cells have the count and its share of the true class. The color is the share, from 0 to 100 % in
every figure, so that matrices of two models are comparable.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go  # pyright: ignore[reportMissingTypeStubs]
from numpy.typing import NDArray

from paretoscope.report.figures.axes_ranges import PlotlyDict
from paretoscope.report.figures.layout import axis_title, base_layout, hover_label
from paretoscope.report.figures.palette import background

SCALES: dict[bool, list[tuple[float, str]]] = {
    False: [(0, "#FFFFFF"), (0.02, "#E8F1FA"), (0.25, "#9CC7E6"), (1, "#00507F")],
    True: [(0, "#11161C"), (0.02, "#16283A"), (0.25, "#1B5C8C"), (1, "#A9D8FF")],
}
"""One hue from the page's color, by theme: safe for color-blind readers. Errors are rare, so half
of the scale is below 25 %.
"""
MOST_NUMBERED = 12
"""Classes whose cells still have room for numbers; of more, the numbers are in the hover text."""
MOST_LETTERS = 16
CELL, MARGIN, LOWEST = 46, 96, 260
FONT = 11
"""Plotly's own size depends on the length of the markup, which has colors."""


def confusion_figure(
    counts: NDArray[np.integer], classes: Sequence[str], *, dark: bool = False
) -> go.Figure:
    """The matrix of `counts` [true class, predicted class]."""
    totals = counts.sum(axis=1, keepdims=True)
    shares = counts / np.maximum(totals, 1)
    numbered = len(classes) <= MOST_NUMBERED
    heatmap: PlotlyDict = {
        "type": "heatmap",
        "z": shares.tolist(),
        "zmin": 0,
        "zmax": 1,
        "colorscale": SCALES[dark],
        "showscale": False,
        "xgap": 2,
        "ygap": 2,
        "hovertext": _hovers(counts, shares, classes),
        "hoverinfo": "text",
    }
    if numbered:
        heatmap |= {
            "text": _texts(counts, shares, dark),
            "texttemplate": "%{text}",
            "textfont": {"size": FONT},
        }
    return go.Figure([heatmap], _layout([_short(name) for name in classes], dark))


def _texts(
    counts: NDArray[np.integer], shares: NDArray[np.floating], dark: bool
) -> list[list[str]]:
    """Count and share in the color that is readable on the cell; empty cells have none."""
    return [
        [
            f'<span style="color:{text_color(share, dark)}">{count}<br>{100 * share:.0f} %</span>'
            if count
            else ""
            for count, share in zip(row, of_row, strict=True)
        ]
        for row, of_row in zip(counts.tolist(), shares.tolist(), strict=True)
    ]


def text_color(share: float, dark: bool) -> str:
    """Black or white, whichever has the higher contrast with a cell of this share (WCAG 2.2).

    >>> text_color(1.0, dark=False), text_color(1.0, dark=True)
    ('#FFFFFF', '#000000')
    """
    luminance = relative_luminance(cell_color(share, dark))
    return "#FFFFFF" if 1.05 / (luminance + 0.05) > (luminance + 0.05) / 0.05 else "#000000"


def cell_color(share: float, dark: bool) -> tuple[float, float, float]:
    """Red, green and blue of a cell, 0 .. 1, linear between the colors of the scale."""
    places = [place for place, _ in SCALES[dark]]
    parts = [[int(color[at : at + 2], 16) for _, color in SCALES[dark]] for at in (1, 3, 5)]
    red, green, blue = (float(np.interp(share, places, part)) / 255 for part in parts)
    return red, green, blue


def relative_luminance(color: tuple[float, float, float]) -> float:
    """The relative luminance of an sRGB color (WCAG 2.2)."""
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in color]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def _hovers(
    counts: NDArray[np.integer], shares: NDArray[np.floating], classes: Sequence[str]
) -> list[list[str]]:
    return [
        [
            f"<b>{true}</b> predicted as <b>{predicted}</b><br>"
            f"{counts[at, to]} of {counts[at].sum()} ({100 * shares[at, to]:.1f} %)"
            for to, predicted in enumerate(classes)
        ]
        for at, true in enumerate(classes)
    ]


def _layout(names: Sequence[str], dark: bool) -> PlotlyDict:
    colors = background(dark)
    places = list(range(len(names)))
    axis: PlotlyDict = {
        "tickvals": places,
        "ticktext": list(names),
        "showgrid": False,
        "zeroline": False,
        "ticks": "",
        "fixedrange": True,
        "automargin": True,
    }
    return {
        **base_layout(colors, font_size=12),
        "height": max(LOWEST, min(640, CELL * len(names) + MARGIN)),
        "margin": {"l": 8, "r": 8, "t": 8, "b": 8},
        "hoverlabel": hover_label(colors),
        "xaxis": {**axis, "title": axis_title(colors, "Predicted class")},
        "yaxis": {**axis, "title": axis_title(colors, "True class"), "autorange": "reversed"},
    }


def _short(name: str) -> str:
    return name if len(name) <= MOST_LETTERS else f"{name[: MOST_LETTERS - 1]}…"
