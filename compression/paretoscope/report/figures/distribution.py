"""Latency distributions as cumulative curves, a line for each model.

Colors are those of the strategies; models of one strategy differ in their dashes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import plotly.graph_objects as go  # pyright: ignore[reportMissingTypeStubs]
from numpy.typing import NDArray

from paretoscope.report.figures.axes_ranges import PlotlyDict
from paretoscope.report.figures.layout import axis_title, base_layout, hover_label, quiet_axis
from paretoscope.report.figures.model_styles import ModelStyle, model_styles
from paretoscope.report.figures.palette import STYLES, background
from paretoscope.report.tables.strategy import Family
from paretoscope.statistics.intervals import supports
from paretoscope.trials.metrics import metric

QUANTILES = (0.5, 0.9, 0.99)
"""Quantiles that have a marker where the number of samples supports them."""
SHOWN = 0.99
"""The plot ends at this quantile of the slowest model."""


@dataclass(frozen=True, eq=False)
class Times:
    """The latencies of one model in milliseconds; `recipe` is the full name for the hover text."""

    name: str
    family: Family
    ms: NDArray[np.float64]
    recipe: str = ""


def distribution_figure(
    models: Sequence[Times], *, unit: str = "request", dark: bool = False, height: int = 360
) -> go.Figure:
    """Empirical distribution functions; `unit` is what was timed, a request or a token."""
    styles = model_styles([model.family for model in models], dark=dark)
    traces = [
        trace
        for model, style in zip(models, styles, strict=True)
        for trace in _traces(model, style, unit, dark)
    ]
    return go.Figure(traces, _layout(models, unit, dark, height))


def _layout(models: Sequence[Times], unit: str, dark: bool, height: int) -> PlotlyDict:
    colors = background(dark)
    fastest = min(float(model.ms.min()) for model in models)
    slowest = max(float(np.quantile(model.ms, SHOWN)) for model in models)
    margin = (slowest - fastest) * 0.06 or slowest * 0.1
    x_title = f"Latency per {unit} (ms)"
    return {
        **base_layout(colors, font_size=13),
        "height": height + 22 * len(models),
        "margin": {"l": 62, "r": 12, "t": 12, "b": 8},
        "hovermode": "closest",
        "hoverlabel": hover_label(colors),
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
            **quiet_axis(colors),
            "title": axis_title(colors, x_title),
            "range": [max(0.0, fastest - margin), slowest + margin],
            "automargin": True,
        },
        "yaxis": {
            **quiet_axis(colors),
            "title": axis_title(colors, f"Share of {unit}s (%)"),
            "range": [0, 103],
        },
    }


def shown_quantiles(n: int) -> list[float]:
    """The median, and the upper quantiles that `n` samples support.

    >>> shown_quantiles(300), shown_quantiles(120), shown_quantiles(12)
    ([0.5, 0.9, 0.99], [0.5, 0.9], [0.5])
    """
    return [share for share in QUANTILES if share == QUANTILES[0] or supports(n, share)]


def _traces(model: Times, style: ModelStyle, unit: str, dark: bool) -> list[dict[str, Any]]:
    """The curve, and the markers of its quantiles."""
    row, ordered = metric("latency_p50_ms"), np.sort(model.ms)
    cumulative = np.arange(1, len(ordered) + 1) / len(ordered) * 100
    shares = shown_quantiles(len(ordered))
    quantiles = [float(np.quantile(ordered, share)) for share in shares]
    curve = {
        "x": ordered.tolist(),
        "y": cumulative.tolist(),
        "mode": "lines",
        "line": {"color": style.color, "width": 2, "dash": style.dash, "shape": "hv"},
        "name": f"{STYLES[model.family].glyph} {model.name}",
        "hoverinfo": "skip",
    }
    outline = {"width": 1, "color": background(dark).paper}
    hover = [
        f"<b>{model.recipe or model.name}</b><br>p{share * 100:.0f} {row.format(value)}"
        f" of {len(ordered)} {unit}s"
        for share, value in zip(shares, quantiles, strict=True)
    ]
    markers = {
        "x": quantiles,
        "y": [share * 100 for share in shares],
        "mode": "markers",
        "marker": {"symbol": style.symbol, "color": style.color, "size": 11, "line": outline},
        "name": model.name,
        "showlegend": False,
        "hovertext": hover,
        "hoverinfo": "text",
    }
    shared = {"type": "scatter", "legendgroup": f"{model.name} {style.dash}"}
    return [{**shared, **curve}, {**shared, **markers}]
