"""The traces of a trade-off plot: front line, points with error bars, estimate, picked points.

Axes, labels and footnote are set in `report/figures/tradeoff_figure.py`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from paretoscope.report.figures.axes_ranges import AxesRanges, PlotlyDict
from paretoscope.report.figures.palette import STYLES, Background, rgba
from paretoscope.report.figures.tradeoff import Marker, State
from paretoscope.report.tables.strategy import Family
from paretoscope.trials.metrics import Metric
from paretoscope.trials.trial import MetricValue

GHOSTS = "Demo machine"
ORDER: tuple[State, ...] = ("excluded", "dominated", "near", "front")
"""Drawn in this order, the front last and on top."""
OPACITY: dict[State, float] = {"front": 1.0, "near": 0.6, "dominated": 0.28, "excluded": 0.55}
ERROR_BAR_OPACITY = 0.55


def traces(axes: AxesRanges, *, legend: bool) -> list[PlotlyDict]:
    """All traces, in drawing order; with `legend` one more for each strategy."""
    return [
        *_ghosts(axes),
        *_front_line(axes),
        *_points(axes, legend),
        *_estimate(axes),
        *_recommended(axes),
        *_picked(axes),
    ]


def _front_line(axes: AxesRanges) -> list[PlotlyDict]:
    """The step line of the front, extended to the edges of the plot."""
    info = axes.info
    if not info.step:
        return []
    steps = [(info.x.shown(x), info.y.shown(y)) for x, y in info.step]
    steps = steps if info.x.better == "lower" else steps[::-1]
    worst_x = axes.x_range[1] if info.x.better == "lower" else axes.x_range[0]
    worst_y = (
        min(axes.y_range[0], steps[0][1])
        if info.y.better == "higher"
        else max(axes.y_range[1], steps[0][1])
    )
    path = [(steps[0][0], worst_y), *steps, (worst_x, steps[-1][1])]
    style = {"line": {"color": axes.colors.text, "width": 1.6}, "opacity": 0.55}
    return [_scatter(path, mode="lines", name="Front", hoverinfo="skip", legendrank=1, **style)]


def _points(axes: AxesRanges, legend: bool) -> Iterator[PlotlyDict]:
    """A trace for each strategy and state.

    The legend has traces of its own, because a faded marker would be a poor sample.
    """
    for rank, (name, style) in enumerate(STYLES.items(), start=10):
        mine = [marker for marker in axes.info.markers if marker.family == name]
        for state in ORDER:
            group = [marker for marker in mine if _drawn_as(axes, marker) == state]
            if group:
                yield _trace(axes, group, name, state)
        if legend and mine:
            sample = {"symbol": style.symbol, "color": style.color(axes.dark), "size": 10}
            named = {"name": style.label, "legendgroup": name, "legendrank": rank}
            yield _scatter([], mode="markers", marker=sample, **named)


def _drawn_as(axes: AxesRanges, marker: Marker) -> State:
    """Picked points are drawn in full color, unless they exceed a limit."""
    picked = marker.id in axes.info.picked and marker.state != "excluded"
    return "front" if picked else marker.state


def _trace(axes: AxesRanges, group: Sequence[Marker], name: Family, state: State) -> PlotlyDict:
    color = STYLES[name].color(axes.dark)
    marker = _marker(name, state, color, axes.colors)
    xs = [_scaled(axes.info.x, each.x) for each in group]
    ys = [_scaled(axes.info.y, each.y) for each in group]
    with_bars = [each.id in axes.info.emphasized for each in group]
    bar_color = rgba(color, ERROR_BAR_OPACITY)
    # A click must not fade the other points: the page marks picked points itself.
    unchanged = {"marker": {"opacity": marker["opacity"]}}
    return _scatter(
        [(x.value, y.value) for x, y in zip(xs, ys, strict=True)],
        error_x=_error_bars(xs, with_bars, bar_color),
        error_y=_error_bars(ys, with_bars, bar_color),
        mode="markers",
        marker=marker,
        selected=unchanged,
        unselected=unchanged,
        customdata=[[each.id] for each in group],
        hovertext=[each.hover for each in group],
        hoverinfo="text",
        name=STYLES[name].label,
        legendgroup=name,
        showlegend=False,
    )


def _marker(name: Family, state: State, color: str, colors: Background) -> PlotlyDict:
    """Symbol, size, outline and opacity; points beyond a limit are hollow."""
    baseline, symbol = name == "baseline", STYLES[name].symbol
    hollow = state == "excluded" and not baseline
    outline = {"width": 1.4, "color": color} if hollow else {"width": 1, "color": colors.paper}
    return {
        "symbol": f"{symbol}-open" if hollow else symbol,
        "color": color,
        "size": 15 if baseline else 11 if state == "front" else 7,
        "line": outline,
        "opacity": 1.0 if baseline else OPACITY[state],
    }


class _Scaled(NamedTuple):
    """A value in the shown unit and the lengths of its error bar; 0 where an end is unknown."""

    value: float
    up: float
    down: float


def _scaled(of: Metric, found: MetricValue) -> _Scaled:
    value = of.shown(found.value)
    high = value if found.high is None else of.shown(found.high)
    low = value if found.low is None else of.shown(found.low)
    return _Scaled(value, max(0.0, high - value), max(0.0, value - low))


def _error_bars(found: Sequence[_Scaled], shown: Sequence[bool], color: str) -> PlotlyDict:
    """Bars of the points in `shown`; none at all where no point has one."""
    if not any(shown):
        return {"type": "data", "array": [], "visible": False}
    pairs = list(zip(found, shown, strict=True))
    return {
        "type": "data",
        "symmetric": False,
        "color": color,
        "thickness": 1.4,
        "width": 0,
        "array": [each.up if bar else 0.0 for each, bar in pairs],
        "arrayminus": [each.down if bar else 0.0 for each, bar in pairs],
    }


def _ghosts(axes: AxesRanges) -> list[PlotlyDict]:
    """Points of another machine: small, hollow and not to be picked."""
    ghosts = axes.info.ghosts
    if not ghosts:
        return []
    marker = {
        "symbol": [f"{STYLES[each.family].symbol}-open" for each in ghosts],
        "color": rgba(axes.colors.faint, 0.55),
        "size": 7,
        "line": {"width": 1},
    }
    hover = {"hovertext": [each.hover for each in ghosts], "hoverinfo": "text"}
    places = [axes.shown(each) for each in ghosts]
    return [_scatter(places, mode="markers", marker=marker, name=GHOSTS, showlegend=False, **hover)]


def _estimate(axes: AxesRanges) -> Iterator[PlotlyDict]:
    """A hollow marker with dashed intervals: it was not measured."""
    info, guess = axes.info, axes.info.estimate
    if guess is None:
        return
    style = STYLES[guess.family]
    color = style.color(axes.dark)
    x, y = _scaled(info.x, guess.x), _scaled(info.y, guess.y)
    dashed = {"line": {"color": color, "width": 1.6, "dash": "dash"}}
    across = [(x.value - x.down, y.value), (x.value + x.up, y.value)]
    upright = [(x.value, y.value - y.down), (x.value, y.value + y.up)]
    for path in (across, upright):
        yield _scatter(path, mode="lines", hoverinfo="skip", showlegend=False, **dashed)
    marker = {"symbol": f"{style.symbol}-open", "color": color, "size": 15, "line": {"width": 2.5}}
    hover = {"hovertext": [guess.hover], "hoverinfo": "text"}
    named = {"name": "Estimate", "legendrank": 90}
    yield _scatter([(x.value, y.value)], mode="markers", marker=marker, **hover, **named)


def _recommended(axes: AxesRanges) -> list[PlotlyDict]:
    """A second, larger outline around the recommended point that does not catch clicks."""
    info = axes.info
    found = [axes.shown(each) for each in info.markers if each.id == info.recommended]
    marker = {
        "symbol": "circle-open",
        "size": 20,
        "color": axes.colors.accent,
        "line": {"width": 3},
    }
    hidden = {"hoverinfo": "skip", "showlegend": False}
    return (
        [_scatter(found, mode="markers", marker=marker, name="Recommended", **hidden)]
        if found
        else []
    )


def _picked(axes: AxesRanges) -> list[PlotlyDict]:
    """A ring around each picked point that does not catch clicks."""
    picked = [axes.shown(each) for each in axes.info.markers if each.id in axes.info.picked]
    if not picked:
        return []
    ring = {"symbol": "circle-open", "size": 22, "color": axes.colors.text, "line": {"width": 2}}
    hidden = {"hoverinfo": "skip", "showlegend": False}
    return [_scatter(picked, mode="markers", marker=ring, name="Picked", **hidden)]


def _scatter(path: Sequence[tuple[float, float]], **properties: Any) -> PlotlyDict:
    return {
        "type": "scatter",
        "x": [x for x, _ in path] or [None],
        "y": [y for _, y in path] or [None],
        **properties,
    }
