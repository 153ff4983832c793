"""The trade-off of measured models as a plotly figure, by the names of two metrics."""

from __future__ import annotations

from collections.abc import Sequence

import plotly.graph_objects as go  # pyright: ignore[reportMissingTypeStubs]

from paretoscope.errors import ParetoscopeError
from paretoscope.report.figures.tradeoff import tradeoff
from paretoscope.report.figures.tradeoff_figure import PlotOptions, tradeoff_figure
from paretoscope.report.tables.table import Row, present_metrics
from paretoscope.trials.format import listed
from paretoscope.trials.metrics import metric


def figure_of(
    table: Sequence[Row], x: str | None, y: str | None, options: PlotOptions
) -> go.Figure:
    """The plot of metric `y` (default: quality) against `x` (default: latency).

    Raises `ParetoscopeError` for a metric that is unknown or that no model has.
    """
    axes = table[0].summary.axes
    keys = x or axes.time, y or axes.quality
    measured = [each.key for each in present_metrics(table)]
    for key in keys:
        metric(key)
        if key not in measured:
            raise ParetoscopeError(
                f'None of these models has a value for "{key}"; choose from {listed(measured)}.'
            )
    return tradeoff_figure(tradeoff(table, *keys), options)
