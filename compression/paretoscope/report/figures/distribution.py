"""How long requests took, not only in the median: the share of them that was answered within a
time, a line a model.

Colour is the strategy as everywhere; models of one strategy differ in their dashes, and the
strategy's shape marks median and p90.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import plotly.graph_objects as go  # pyright: ignore[reportMissingTypeStubs]
from numpy.typing import NDArray

from paretoscope.report.figures.palette import LOOKS, ground
from paretoscope.report.tables.strategy import Family
from paretoscope.trials.metrics import metric

DASHES = ("solid", "dash", "dot", "dashdot", "longdash", "longdashdot")
MARKED = (0.5, 0.9)
SHOWN = 0.99
"""The picture ends where this share of the slowest model's requests is answered."""


@dataclass(frozen=True, eq=False)
class Times:
    """The times of one model's requests in milliseconds."""

    name: str
    family: Family
    ms: NDArray[np.float64]


def distribution_figure(
    models: Sequence[Times], *, one: str = "request", dark: bool = False, height: int = 360
) -> go.Figure:
    """Empirical distribution functions; what lies to the left is faster, what is steep is steady.
    `one` is what was timed: a request, or a token.
    """
    at = ground(dark)
    fastest, slowest = (
        min(float(model.ms.min()) for model in models),
        max(float(np.quantile(model.ms, SHOWN)) for model in models),
    )
    air = (slowest - fastest) * 0.06 or slowest * 0.1
    axis: dict[str, Any] = {
        "gridcolor": at.grid,
        "zeroline": False,
        "linecolor": at.grid,
        "ticks": "",
    }
    title: dict[str, Any] = {"font": {"color": at.faint, "size": 13}, "standoff": 8}
    layout = {
        "height": height + 22 * len(models),
        "margin": {"l": 62, "r": 12, "t": 12, "b": 8},
        "plot_bgcolor": "rgba(0,0,0,0)",
        "paper_bgcolor": "rgba(0,0,0,0)",
        "font": {"color": at.text, "size": 13},
        "dragmode": False,
        "hovermode": "closest",
        "hoverlabel": {
            "bgcolor": at.paper,
            "bordercolor": at.faint,
            "font": {"color": at.text, "size": 12},
            "align": "left",
        },
        "legend": {
            "orientation": "v",
            "yref": "container",
            "y": 0,
            "yanchor": "bottom",
            "x": 0,
            "xanchor": "left",
            "font": {"size": 12},
        },
        "xaxis": {
            **axis,
            "title": {**title, "text": f"One {one} (ms)"},
            "range": [max(0.0, fastest - air), slowest + air],
            "automargin": True,
        },
        "yaxis": {
            **axis,
            "title": {**title, "text": "Answered within that time (%)"},
            "range": [0, 103],
        },
    }
    return go.Figure(
        [
            trace
            for place, model in enumerate(models)
            for trace in _traces(model, _dash(models, place), one, dark)
        ],
        layout,
    )


def _dash(models: Sequence[Times], place: int) -> str:
    """Another dash for every model of one strategy."""
    return DASHES[
        sum(other.family == models[place].family for other in models[:place]) % len(DASHES)
    ]


def _traces(model: Times, dash: str, one: str, dark: bool) -> list[dict[str, Any]]:
    look, row = LOOKS[model.family], metric("latency_p50_ms")
    color, ordered = look.on(dark), np.sort(model.ms)
    shares = np.arange(1, len(ordered) + 1) / len(ordered) * 100
    quantiles = [float(np.quantile(ordered, share)) for share in MARKED]
    said = [
        f"p{share * 100:.0f} {row.format(value)}"
        for share, value in zip(MARKED, quantiles, strict=True)
    ]
    steps = {
        "x": ordered.tolist(),
        "y": shares.tolist(),
        "mode": "lines",
        "line": {"color": color, "width": 2, "dash": dash, "shape": "hv"},
    }
    marker = {
        "symbol": look.symbol,
        "color": color,
        "size": 11,
        "line": {"width": 1, "color": ground(dark).paper},
    }
    marks = {
        "x": quantiles,
        "y": [share * 100 for share in MARKED],
        "mode": "markers",
        "marker": marker,
    }
    hover = [f"<b>{model.name}</b><br>{words} of {len(ordered)} {one}s" for words in said]
    both = {"type": "scatter", "legendgroup": f"{model.name} {dash}"}
    return [
        {**both, **steps, "name": f"{look.glyph} {model.name}", "hoverinfo": "skip"},
        {
            **both,
            **marks,
            "name": model.name,
            "showlegend": False,
            "hovertext": hover,
            "hoverinfo": "text",
        },
    ]
