"""A chain as small multiples: a row for each stage, a panel each for quality, size and latency.

Color and shape are those of the stage's strategy. The steps are found in `report/tables/chain.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import plotly.graph_objects as go  # pyright: ignore[reportMissingTypeStubs]

from paretoscope.report.figures.axes_ranges import PlotlyDict, Range
from paretoscope.report.figures.layout import base_layout, hover_label
from paretoscope.report.figures.palette import STYLES, Background, Style, background
from paretoscope.report.tables.chain import Step
from paretoscope.report.tables.change import delta
from paretoscope.trials.format import duration
from paretoscope.trials.metrics import Metric, metric

ROW_HEIGHT, HEAD, FOOT = 46, 24, 4
"""Pixels: of a stage with its name, above all stages for the panel titles, and below them."""
NAME_Y, MARKER_Y = 0.46, -0.18
"""Where a stage has its name and its markers in its row, which is one unit high."""
PANELS = ((0.0, 0.40), (0.43, 0.70), (0.73, 1.0))
HEADROOM = 2.1
"""An axis is this many times as long as its data; the numbers are in the free part."""
MAX_NAME = 50
"""Characters that fit above the numbers of the narrowest card."""


@dataclass(frozen=True)
class _Value:
    """One number of one step, in shown units, at a height of the figure."""

    height: float
    low: float
    value: float
    high: float
    number: str
    hover: str
    style: Style


def stages_figure(
    steps: Sequence[Step], *, on_axes_of: Sequence[Step] = (), dark: bool = False
) -> go.Figure:
    """The steps from top to bottom; a step that was not measured has a name and no numbers.

    The axes fit the steps and those of `on_axes_of`, so that figures in a row are comparable.
    """
    colors = background(dark)
    traces: list[PlotlyDict] = []
    labels = [_name_label(step, NAME_Y - at, colors) for at, step in enumerate(steps)]
    layout = _layout(len(steps), colors)
    panels = zip(steps[0].axes.objectives, PANELS, strict=True)
    for number, (key, domain) in enumerate(panels, start=1):
        of = metric(key)
        values = _values(of, steps)
        draw = _dots if of.quality else _bars
        traces.append(draw(values, dark) | {"xaxis": f"x{number}"})
        labels += _panel_labels(of, values, domain, colors)
        layout[f"xaxis{number}"] = {
            "visible": False,
            "domain": domain,
            "range": _range(of, [*steps, *on_axes_of]),
            "fixedrange": True,
        }
    shared = {"showarrow": False, "xref": "paper", "yref": "y", "xanchor": "left"}
    return go.Figure(traces, layout | {"annotations": [shared | label for label in labels]})


def _layout(count: int, colors: Background) -> PlotlyDict:
    """Everything but the panels, for `count` steps."""
    return {
        **base_layout(colors, font_size=12),
        "height": ROW_HEIGHT * count + HEAD + FOOT,
        "margin": {"l": 2, "r": 2, "t": HEAD, "b": FOOT},
        "showlegend": False,
        "hoverlabel": hover_label(colors),
        "yaxis": {"visible": False, "range": [0.5 - count, 0.5], "fixedrange": True},
    }


def _panel_labels(
    of: Metric, values: Sequence[_Value], domain: Range, colors: Background
) -> list[PlotlyDict]:
    """The title of a panel and its numbers."""
    above = {"y": 1, "yref": "paper", "yanchor": "bottom", "font": {"color": colors.faint}}
    right = {"x": domain[1], "xanchor": "right", "yanchor": "middle"}
    return [
        {"text": of.label, "x": domain[0], **above},
        *({"text": each.number, "y": each.height, **right} for each in values),
    ]


def _values(of: Metric, steps: Sequence[Step]) -> list[_Value]:
    """The measured values of one metric."""
    return [
        value
        for at, step in enumerate(steps)
        if (value := _value(of, step, steps[at - 1] if at else None, MARKER_Y - at))
    ]


def _value(of: Metric, step: Step, before: Step | None, height: float) -> _Value | None:
    """None where the step was not measured."""
    if step.row is None:
        return None
    value, interval = step.row.point.value(of.key), step.row.point.interval(of.key)
    if value is None or interval is None:
        return None
    low, high = map(of.shown, interval)
    past = before.row.point.value(of.key) if before and before.row else None
    change = delta(of.key, value, past)
    hover = f"<b>{step.stage}</b><br>{of.label}: {step.row.number(of.key)}"
    hover += f"<br>{change} than the previous stage" if change else ""
    style = STYLES[step.family]
    return _Value(height, low, of.shown(value), high, of.format(value), hover, style)


def _dots(values: Sequence[_Value], dark: bool) -> PlotlyDict:
    """Quality as dots: it has no natural zero."""
    marker = {
        "symbol": [each.style.symbol for each in values],
        "color": [each.style.color(dark) for each in values],
        "size": 11,
    }
    return {"type": "scatter", "mode": "markers", "marker": marker} | _common(values, dark)


def _bars(values: Sequence[_Value], dark: bool) -> PlotlyDict:
    """Size or latency as bars from zero."""
    return {
        "type": "bar",
        "orientation": "h",
        "width": 0.3,
        "marker": {"color": [each.style.color(dark) for each in values]},
    } | _common(values, dark)


def _common(values: Sequence[_Value], dark: bool) -> PlotlyDict:
    error_bars = {
        "type": "data",
        "symmetric": False,
        "thickness": 1,
        "width": 0,
        "array": [each.high - each.value for each in values],
        "arrayminus": [each.value - each.low for each in values],
        "color": background(dark).faint,
    }
    return {
        "x": [each.value for each in values],
        "y": [each.height for each in values],
        "error_x": error_bars,
        "hovertext": [each.hover for each in values],
        "hoverinfo": "text",
    }


def _range(of: Metric, steps: Sequence[Step]) -> Range:
    """From zero for size and latency, from the lowest end for quality, with `HEADROOM`."""
    ends = [
        of.shown(end)
        for step in steps
        if step.row and (interval := step.row.point.interval(of.key))
        for end in interval
    ] or [1.0]
    low, high = min(ends) if of.quality else 0.0, max(ends)
    span = (high - low) or 1.0
    return (low - 0.05 * span if of.quality else 0.0), low + span * HEADROOM


def _name_label(step: Step, y: float, colors: Background) -> PlotlyDict:
    """Name and duration of a step, and whether it was measured (HTML for plotly)."""
    name = step.stage
    if len(name) > MAX_NAME:
        name = f"{name[: MAX_NAME - 1].rstrip()}…"
    notes = [duration(step.seconds)] if step.seconds is not None else []
    notes += [] if step.row else ["not measured"]
    faint = "".join(f' <span style="color:{colors.faint}">· {each}</span>' for each in notes)
    return {"text": name + faint, "x": 0, "y": y, "yanchor": "top"}
