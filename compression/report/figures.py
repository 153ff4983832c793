"""The ink of a trade-off plot: colours, shapes, lines and labels. What is drawn is `tradeoff.py`'s.

Figures are plain plotly, so that a page, a report and a notebook show the same one.
"""

from __future__ import annotations

import math
from typing import Any

import plotly.graph_objects as go

from compression.metrics import Metric
from compression.report.palette import LOOKS, Family, ground
from compression.report.tradeoff import Mark, State, Tradeoff
from compression.trial import MetricValue

OPACITY: dict[State, float] = {"front": 1.0, "near": 0.6, "dominated": 0.25, "excluded": 0.55}
WIDE = 4.0
"""When all points together take this many times the height of the good ones, the good ones get the picture."""


def tradeoff_figure(
    info: Tradeoff, *, dark: bool = False, log_x: bool = False, whole: bool = False, height: int = 430, legend: bool = True, title: str | None = None
) -> go.Figure:
    """The plot of `info`. `whole` shows every point however far off; otherwise the picture is where the front is."""
    at = ground(dark)
    x_range, y_range = _ranges(info, whole=whole)
    figure = go.Figure()
    _limits(figure, info, x_range, y_range, dark)
    _guide_lines(figure, info, x_range, y_range, dark)
    _front_line(figure, info, x_range, y_range, dark)
    _marks(figure, info, dark, legend)
    _estimate(figure, info, dark)
    _rings(figure, info, dark)
    _labels(figure, info, x_range, y_range, dark, log_x)
    axis = {"gridcolor": at.grid, "zeroline": False, "linecolor": at.grid, "ticks": "", "title": {"font": {"color": at.faint, "size": 13}}}
    figure.update_layout(
        height=height,
        margin={"l": 8, "r": 8, "t": 34 if title else 12, "b": 8},
        plot_bgcolor="rgba(0,0,0,0)",
        paper_bgcolor="rgba(0,0,0,0)",
        font={"color": at.text, "size": 13},
        title={"text": title, "font": {"size": 15}, "x": 0, "xref": "container"} if title else None,
        dragmode=False,
        hovermode="closest",
        hoverlabel={"bgcolor": at.paper, "bordercolor": at.faint, "font": {"color": at.text, "size": 12}, "align": "left"},
        showlegend=legend,
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0, "xanchor": "left", "font": {"size": 12}, "itemsizing": "constant"},
        xaxis={
            **axis,
            "automargin": True,
            "range": [math.log10(v) for v in x_range] if log_x else list(x_range),
            "type": "log" if log_x else "linear",
        },
        yaxis={**axis, "automargin": True, "range": list(y_range)},
    )
    figure.update_xaxes(title_text=f"{info.x.axis_title}<br><span style='font-size:11px'>{info.footnote}</span>")
    figure.update_yaxes(title_text=info.y.axis_title)
    if log_x:
        figure.update_xaxes(dtick="D2", minor={"showgrid": False})
    return figure


def _scaled(of: Metric, found: MetricValue) -> tuple[float, float, float]:
    """(value, distance up, distance down) in the shown unit; 0 where an end is not known."""
    value = of.shown(found.value)
    high = value if found.high is None else of.shown(found.high)
    low = value if found.low is None else of.shown(found.low)
    return value, max(0.0, high - value), max(0.0, value - low)


def _ranges(info: Tradeoff, *, whole: bool) -> tuple[tuple[float, float], tuple[float, float]]:
    """The shown part of both axes, in shown units, with air around it."""
    xs = [info.x.shown(m.x.value) for m in info.marks] + ([info.x.shown(info.estimate.x.value)] if info.estimate else [])
    ys = [info.y.shown(m.y.value) for m in info.marks]
    if not xs or not ys:
        return (0.0, 1.0), (0.0, 1.0)
    if not whole:
        ys = _near(info, ys)
    ys += [info.y.shown(info.estimate.y.value)] if info.estimate else []
    lowest = min(xs)
    air = (max(xs) - lowest) * 0.06 or abs(lowest) * 0.1 or 1.0
    spread = (max(ys) - min(ys)) * 0.10 or abs(max(ys)) * 0.05 or 1.0
    return (max(lowest - air, lowest * 0.6), max(xs) + air * 1.4), (min(ys) - spread, max(ys) + spread)


def _near(info: Tradeoff, ys: list[float]) -> list[float]:
    """The heights worth a picture: those of the front and what is near it, when a few collapsed models would flatten the rest."""
    ordered = sorted(ys, reverse=info.y.better == "higher")
    good = ordered[: max(3, math.ceil(len(ordered) * 0.75))]
    span = abs(good[0] - good[-1])
    return good if span and abs(ordered[-1] - ordered[0]) > WIDE * span else ys


def _worse_side(of: Metric, bound: float, ends: tuple[float, float]) -> tuple[float, float]:
    return (bound, max(bound, ends[1])) if of.better == "lower" else (min(bound, ends[0]), bound)


def _limits(figure: go.Figure, info: Tradeoff, x_range: tuple[float, float], y_range: tuple[float, float], dark: bool) -> None:
    """The region that the limits exclude, shaded, with a line at each limit."""
    at = ground(dark)
    for limit in info.limits:
        of, ends = (info.x, x_range) if limit.axis == "x" else (info.y, y_range)
        bound = of.shown(limit.bound)
        near, far = _worse_side(of, bound, ends)
        if limit.axis == "x":
            figure.add_shape(type="rect", x0=near, x1=far, y0=0, y1=1, yref="paper", fillcolor=at.shade, line_width=0, layer="below")
            figure.add_shape(type="line", x0=bound, x1=bound, y0=0, y1=1, yref="paper", line={"color": at.faint, "width": 1}, layer="below")
        else:
            figure.add_shape(type="rect", y0=near, y1=far, x0=0, x1=1, xref="paper", fillcolor=at.shade, line_width=0, layer="below")
            figure.add_shape(type="line", y0=bound, y1=bound, x0=0, x1=1, xref="paper", line={"color": at.faint, "width": 1}, layer="below")


def _guide_lines(figure: go.Figure, info: Tradeoff, x_range: tuple[float, float], y_range: tuple[float, float], dark: bool) -> None:
    at = ground(dark)
    line = {"color": at.faint, "width": 1, "dash": "dot"}
    font = {"size": 10, "color": at.faint}
    for guide in info.guides:
        of, ends = (info.x, x_range) if guide.axis == "x" else (info.y, y_range)
        place = of.shown(guide.at)
        if not ends[0] < place < ends[1]:
            continue
        if guide.axis == "x":
            figure.add_vline(x=place, line=line, opacity=0.6, layer="below")
            figure.add_annotation(
                x=place, y=0, yref="paper", text=guide.label, textangle=-90, showarrow=False, font=font, xanchor="right", yanchor="bottom"
            )
        else:
            figure.add_hline(y=place, line=line, opacity=0.6, layer="below")
            figure.add_annotation(x=1, xref="paper", y=place, text=guide.label, showarrow=False, font=font, xanchor="right", yanchor="bottom")


def _front_line(figure: go.Figure, info: Tradeoff, x_range: tuple[float, float], y_range: tuple[float, float], dark: bool) -> None:
    """The step line, carried on to the edges of the picture where nothing better is known."""
    if not info.step:
        return
    at = ground(dark)
    steps = [(info.x.shown(x), info.y.shown(y)) for x, y in info.step]
    by_x = steps if info.x.better == "lower" else steps[::-1]
    worst_x = x_range[1] if info.x.better == "lower" else x_range[0]
    worst_y = y_range[0] if info.y.better == "higher" else y_range[1]
    path = [(by_x[0][0], worst_y), *by_x, (worst_x, by_x[-1][1])]
    figure.add_trace(
        go.Scatter(
            x=[x for x, _ in path],
            y=[y for _, y in path],
            mode="lines",
            line={"color": at.text, "width": 1.6},
            opacity=0.55,
            name="Front",
            hoverinfo="skip",
            legendrank=1,
        )
    )


def _marks(figure: go.Figure, info: Tradeoff, dark: bool, legend: bool) -> None:
    """One trace for each family and state, so that a click on the legend hides a strategy."""
    order: tuple[State, ...] = ("excluded", "dominated", "near", "front")
    named: set[Family] = set()
    for rank, (name, look) in enumerate(LOOKS.items()):
        for state in order:
            group = [mark for mark in info.marks if mark.family == name and mark.state == state]
            if not group:
                continue
            figure.add_trace(_trace(info, group, look.symbol, look.on(dark), state, baseline=name == "baseline", dark=dark))
            figure.data[-1].update(name=look.label, legendgroup=name, legendrank=10 + rank, showlegend=False)
            named.add(name)
        if legend and name in named:
            # The key is a trace of its own: a faded or hollow mark would be a poor sample of its family.
            key = go.Scatter(
                x=[None], y=[None], mode="markers", name=look.label, legendgroup=name, legendrank=10 + rank,
                marker={"symbol": look.symbol, "color": look.on(dark), "size": 10},
            )  # fmt: skip
            figure.add_trace(key)


def _trace(info: Tradeoff, group: list[Mark], symbol: str, color: str, state: State, *, baseline: bool, dark: bool) -> go.Scatter:
    xs = [_scaled(info.x, mark.x) for mark in group]
    ys = [_scaled(info.y, mark.y) for mark in group]
    solid = baseline or state == "front"
    hollow = state == "excluded" and not baseline
    opacity = 1.0 if baseline else OPACITY[state]
    marker = {
        "symbol": f"{symbol}-open" if hollow else symbol,
        "color": color,
        "size": 16 if baseline else 11 if solid else 9,
        "line": {"width": 1.4 if hollow else 1, "color": color if hollow else ground(dark).paper},
        "opacity": opacity,
    }
    bars = {"type": "data", "symmetric": False, "color": color, "thickness": 1, "width": 0}
    faded = {**bars, "color": _rgba(color, 0.35 if solid else 0.12)}
    return go.Scatter(
        x=[x for x, _, _ in xs],
        y=[y for y, _, _ in ys],
        error_x={**faded, "array": [up for _, up, _ in xs], "arrayminus": [down for _, _, down in xs]},
        error_y={**faded, "array": [up for _, up, _ in ys], "arrayminus": [down for _, _, down in ys]},
        mode="markers",
        marker=marker,
        selected={"marker": {"opacity": opacity}},
        unselected={"marker": {"opacity": opacity}},
        customdata=[[mark.id] for mark in group],
        hovertext=[mark.hover for mark in group],
        hoverinfo="text",
    )


def _rgba(color: str, alpha: float) -> str:
    """
    >>> _rgba("#0072B2", 0.5)
    'rgba(0,114,178,0.5)'
    """
    return f"rgba({int(color[1:3], 16)},{int(color[3:5], 16)},{int(color[5:7], 16)},{alpha:g})"


def _estimate(figure: go.Figure, info: Tradeoff, dark: bool) -> None:
    """A hollow mark with dashed intervals: nothing about it was measured."""
    if info.estimate is None:
        return
    look = LOOKS[info.estimate.family]
    color = look.on(dark)
    x, x_up, x_down = _scaled(info.x, info.estimate.x)
    y, y_up, y_down = _scaled(info.y, info.estimate.y)
    for xs, ys in (([x - x_down, x + x_up], [y, y]), ([x, x], [y - y_down, y + y_up])):
        line: dict[str, Any] = {"color": color, "width": 1.5, "dash": "dash"}
        figure.add_trace(go.Scatter(x=xs, y=ys, mode="lines", line=line, hoverinfo="skip", showlegend=False))
    marker = {"symbol": f"{look.symbol}-open", "color": color, "size": 15, "line": {"width": 2.5}}
    figure.add_trace(
        go.Scatter(x=[x], y=[y], mode="markers", marker=marker, name="Estimate", hovertext=[info.estimate.hover], hoverinfo="text", legendrank=90)
    )


def _rings(figure: go.Figure, info: Tradeoff, dark: bool) -> None:
    """A ring around every picked point; it lets clicks through to the point."""
    ringed = [mark for mark in info.marks if mark.id in info.picked]
    if ringed:
        marker = {"symbol": "circle-open", "size": 21, "color": ground(dark).text, "line": {"width": 2}}
        xs, ys = [info.x.shown(mark.x.value) for mark in ringed], [info.y.shown(mark.y.value) for mark in ringed]
        figure.add_trace(go.Scatter(x=xs, y=ys, mode="markers", marker=marker, name="Picked", hoverinfo="skip", showlegend=False))


def _labels(figure: go.Figure, info: Tradeoff, x_range: tuple[float, float], y_range: tuple[float, float], dark: bool, log_x: bool) -> None:
    """The recommended point by name, and the knee, each on the side where there is room."""
    at = ground(dark)
    marks = {mark.id: mark for mark in info.marks}
    named = [(info.recommended, None), (info.knee, "knee")]
    for id, fixed in named:
        if id is None or id not in marks or (fixed and id == info.recommended):
            continue
        mark = marks[id]
        x, y = info.x.shown(mark.x.value), info.y.shown(mark.y.value)
        left = x > (x_range[0] + x_range[1]) / 2
        text = fixed or f"<b>{mark.name}</b>" + (" (knee)" if id == info.knee else "")
        up = y < y_range[1] - (y_range[1] - y_range[0]) * 0.2
        figure.add_annotation(
            x=math.log10(x) if log_x else x, y=y, text=text, showarrow=True, arrowhead=0, arrowwidth=1, arrowcolor=at.faint,
            ax=-34 if left else 34, ay=-30 if up else 30, standoff=7, xanchor="right" if left else "left",
            font={"size": 12 if not fixed else 11, "color": at.text if not fixed else at.faint}, bgcolor=_rgba(at.paper, 0.75),
        )  # fmt: skip
