"""The predicted probabilities of one text as bars, in the color of the model's strategy."""

from __future__ import annotations

from collections.abc import Sequence

import plotly.graph_objects as go  # pyright: ignore[reportMissingTypeStubs]

from paretoscope.report.figures.layout import base_layout
from paretoscope.report.figures.palette import STYLES, background, rgba
from paretoscope.report.tables.strategy import Family

BAR = 26
"""Pixels of a bar with the space around it."""
FAINT = 0.45


def shares_figure(
    labels: Sequence[str], shares: Sequence[float], family: Family, *, dark: bool = False
) -> go.Figure:
    """A bar for each label, top down, with its percentage; the highest is in full color."""
    color = STYLES[family].color(dark)
    bars = {
        "type": "bar",
        "orientation": "h",
        "x": [share * 100 for share in shares],
        "y": list(labels),
        "text": [f"{share * 100:.1f} %" for share in shares],
        "textposition": "outside",
        "cliponaxis": False,
        "marker": {
            "color": [color if share == max(shares) else rgba(color, FAINT) for share in shares]
        },
        "hoverinfo": "skip",
    }
    layout = {
        **base_layout(background(dark), font_size=12),
        "height": BAR * len(labels) + 8,
        "margin": {"l": 8, "r": 8, "t": 4, "b": 4},
        "bargap": 0.35,
        "xaxis": {"visible": False, "range": [0, 122], "fixedrange": True},
        "yaxis": {
            "autorange": "reversed",
            "ticks": "",
            "showgrid": False,
            "automargin": True,
            "fixedrange": True,
        },
    }
    return go.Figure([bars], layout)
