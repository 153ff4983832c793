"""The change of perplexity of each document of prose between two language models, as bars."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import plotly.graph_objects as go  # pyright: ignore[reportMissingTypeStubs]

from paretoscope.report.figures.axes_ranges import PlotlyDict
from paretoscope.report.figures.layout import axis_title, base_layout, hover_label, quiet_axis
from paretoscope.report.figures.palette import STYLES, background
from paretoscope.report.tables.strategy import Family


class DocumentChange(NamedTuple):
    """The relative change of perplexity (0.02: 2 % more) over `tokens` tokens of a document."""

    title: str
    change: float
    tokens: int


def document_change_figure(
    found: Sequence[DocumentChange], family: Family, *, dark: bool = False, height: int = 300
) -> go.Figure:
    """A bar for each document, the largest loss on the left; its text and size are on hover."""
    colors = background(dark)
    ordered = sorted(found, key=lambda each: -each.change)
    bars: PlotlyDict = {
        "type": "bar",
        "x": list(range(1, len(ordered) + 1)),
        "y": [100 * each.change for each in ordered],
        "marker": {"color": STYLES[family].color(dark)},
        "hovertext": [
            f"{each.title}<br>perplexity {100 * each.change:+.2f} % on {each.tokens:,} tokens"
            for each in ordered
        ],
        "hoverinfo": "text",
    }
    layout: PlotlyDict = {
        **base_layout(colors, font_size=12),
        "height": height,
        "margin": {"l": 8, "r": 12, "t": 8, "b": 8},
        "bargap": 0.25,
        "hoverlabel": hover_label(colors),
        "xaxis": {
            **quiet_axis(colors),
            "title": axis_title(colors, "Documents, largest loss first"),
            "showgrid": False,
            "fixedrange": True,
            "automargin": True,
        },
        "yaxis": {
            **quiet_axis(colors),
            "title": axis_title(colors, "Change of perplexity (%)"),
            "zeroline": True,
            "zerolinecolor": colors.faint,
            "fixedrange": True,
            "automargin": True,
        },
    }
    return go.Figure([bars], layout)
