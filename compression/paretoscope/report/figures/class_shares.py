"""The probabilities of one answer as bars in the colour of the model's strategy."""

from __future__ import annotations

from collections.abc import Sequence

import plotly.graph_objects as go  # pyright: ignore[reportMissingTypeStubs]

from paretoscope.report.figures.axes_ranges import rgba
from paretoscope.report.figures.palette import LOOKS, ground
from paretoscope.report.tables.strategy import Family

BAR = 26
"""Pixels that a bar takes with its share of the air between bars."""
FAINT = 0.45


def shares_figure(
    labels: Sequence[str], shares: Sequence[float], family: Family, *, dark: bool = False
) -> go.Figure:
    """A bar a label from the top in the order given; the highest is full in colour, its share
    beside each in per cent.
    """
    at, color = ground(dark), LOOKS[family].on(dark)
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
        "height": BAR * len(labels) + 8,
        "margin": {"l": 8, "r": 8, "t": 4, "b": 4},
        "plot_bgcolor": "rgba(0,0,0,0)",
        "paper_bgcolor": "rgba(0,0,0,0)",
        "font": {"color": at.text, "size": 12},
        "bargap": 0.35,
        "dragmode": False,
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
