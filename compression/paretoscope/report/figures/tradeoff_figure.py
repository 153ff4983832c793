"""The ink of a trade-off plot: colours, shapes and lines of the points. What is drawn is
`report/figures/tradeoff.py`'s, what lies around the points `report/figures/annotations.py`'s.

Figures are plain plotly, so that a page, a report and a notebook show the same one.
"""

from __future__ import annotations

import math
import textwrap
from collections.abc import Iterator, Sequence
from typing import Any

import plotly.graph_objects as go  # pyright: ignore[reportMissingTypeStubs]

from paretoscope.report.figures.annotations import guides, labels, limits, out_of_sight
from paretoscope.report.figures.axes_ranges import Canvas, Ink, Range, canvas_for, rgba
from paretoscope.report.figures.palette import LOOKS
from paretoscope.report.figures.tradeoff import Mark, State, Tradeoff
from paretoscope.report.tables.strategy import Family
from paretoscope.trials.metrics import Metric
from paretoscope.trials.trial import MetricValue

ORDER: tuple[State, ...] = ("excluded", "dominated", "near", "front")
"""Drawn one over the other in this order."""
TOP = 52
"""Pixels over the plot: the words on the guides and over them the legend."""
BARE_TOP = 46
"""The same without a legend: over the words is the mode bar, which a touch screen always shows."""
SMALL_PRINT = 84
"""Letters in a line under the plot."""
OPACITY: dict[State, float] = {"front": 1.0, "near": 0.6, "dominated": 0.28, "excluded": 0.55}
BARS: dict[State, float] = {"front": 0.4, "near": 0.14, "dominated": 0.07, "excluded": 0.07}
"""Opacity of the marks, and of their error bars."""


def tradeoff_figure(
    info: Tradeoff,
    *,
    dark: bool = False,
    log_x: bool = False,
    whole: bool = False,
    height: int = 450,
    legend: bool = True,
    compact: bool = False,
    beside: str = "",
) -> go.Figure:
    """The plot of `info`. `whole` shows every point however far off; otherwise the picture is where
    the front is. `compact` leaves out labels, the words on the guides and the small print, for
    plots of half the usual width whose page says it once. `beside` is the longest footnote of the
    plots in one row with this, so that their axes line up."""
    canvas = canvas_for(info, dark=dark, log_x=log_x, whole=whole)
    traces = [*_front_line(canvas), *_marks(canvas, legend), *_estimate(canvas), *_rings(canvas)]
    lines, words, boxes = guides(canvas, compact)
    words = words if compact else [*words, *labels(canvas, boxes)]
    over_and_under = {
        "shapes": [*limits(canvas), *lines],
        "annotations": [*words, *out_of_sight(canvas)],
    }
    top = TOP if legend else 24 if compact else BARE_TOP
    footnote = [] if compact else _small_print(info.footnote, beside)
    return go.Figure(
        traces,
        {
            **_layout(
                canvas,
                height if compact else height - TOP + top,
                legend,
                top,
                footnote,
                compact=compact,
            ),
            **over_and_under,
        },
    )


def _small_print(footnote: str, beside: str) -> list[str]:
    """The lines of a footnote, with empty ones where that of a plot `beside` has more."""
    own, other = (
        [part for line in text.split("<br>") for part in textwrap.wrap(line, SMALL_PRINT) or [""]]
        for text in (footnote, beside)
    )
    return [*own, *["\u00a0"] * (len(other) - len(own))]


def _layout(
    canvas: Canvas, height: int, legend: bool, top: int, footnote: Sequence[str], *, compact: bool
) -> Ink:
    at, info = canvas.at, canvas.info
    axis: Ink = {
        "gridcolor": at.grid,
        "zeroline": False,
        "linecolor": at.grid,
        "ticks": "",
        "fixedrange": False,
    }
    title: Ink = {"font": {"color": at.faint, "size": 13}, "standoff": 8}
    small_print = (
        f"<br><span style='font-size:10px'>{'<br>'.join(footnote)}</span>" if footnote else ""
    )
    named = (
        f"{info.x.with_unit} {info.x.arrow[0]}" if compact else info.x.axis_title
    )  # half as wide a picture has no room for more
    across: Ink = {**axis, "title": {**title, "text": f"{named}{small_print}"}}
    if canvas.log_x:
        ticks = list(_round_numbers(canvas.x_range))
        across |= {
            "type": "log",
            "range": [math.log10(end) for end in canvas.x_range],
            "tickvals": ticks,
            "ticktext": [f"{tick:g}" for tick in ticks],
        }
    else:
        across |= {"range": list(canvas.x_range)}
    return {
        "height": (
            height + 13 * max(0, len(footnote) - 2)
        ),  # the picture stays as high whatever is said below it
        "margin": {"l": 62, "r": 12, "t": top, "b": 58 + 13 * len(footnote)},
        "plot_bgcolor": "rgba(0,0,0,0)",
        "paper_bgcolor": "rgba(0,0,0,0)",
        "font": {"color": at.text, "size": 13},
        "dragmode": False,
        "modebar": {"bgcolor": "rgba(0,0,0,0)", "color": at.faint, "activecolor": at.text},
        "hovermode": "closest",
        "hoverlabel": {
            "bgcolor": at.paper,
            "bordercolor": at.faint,
            "font": {"color": at.text, "size": 12},
            "align": "left",
        },
        "showlegend": legend,
        "legend": {
            "orientation": "h",
            "y": 1.07,
            "yanchor": "bottom",
            "x": 0,
            "xanchor": "left",
            "font": {"size": 12},
        },
        "xaxis": across,
        "yaxis": {
            **axis,
            "title": {**title, "text": info.y.axis_title},
            "range": list(canvas.y_range),
        },
    }


def _round_numbers(ends: Range) -> Iterator[float]:
    """1, 2 and 5 times the powers of ten between the ends.

    >>> list(_round_numbers((0.4, 6)))
    [0.5, 1.0, 2.0, 5.0]
    """
    for power in range(math.floor(math.log10(ends[0])), math.ceil(math.log10(ends[1])) + 1):
        yield from (
            float(f"{factor}e{power}")
            for factor in (1, 2, 5)
            if ends[0] <= factor * 10.0**power <= ends[1]
        )


# --- data -----------------------------------------------------------------------------------------


def _front_line(canvas: Canvas) -> list[Ink]:
    """The step line, carried on to the edges of the picture where nothing better is known."""
    info = canvas.info
    if not info.step:
        return []
    steps = [(info.x.shown(x), info.y.shown(y)) for x, y in info.step]
    steps = steps if info.x.better == "lower" else steps[::-1]
    worst_x = canvas.x_range[1] if info.x.better == "lower" else canvas.x_range[0]
    worst_y = (
        min(canvas.y_range[0], steps[0][1])
        if info.y.better == "higher"
        else max(canvas.y_range[1], steps[0][1])
    )
    path = [(steps[0][0], worst_y), *steps, (worst_x, steps[-1][1])]
    line = {"color": canvas.at.text, "width": 1.6}
    return [
        _scatter(
            path,
            mode="lines",
            line=line,
            opacity=0.55,
            name="Front",
            hoverinfo="skip",
            legendrank=1,
        )
    ]


def _marks(canvas: Canvas, legend: bool) -> Iterator[Ink]:
    """One trace for each family and state; with a legend one more for each family, for a faded mark
    would be a poor sample of it.
    """
    for rank, (name, look) in enumerate(LOOKS.items(), start=10):
        mine = [mark for mark in canvas.info.marks if mark.family == name]
        for state in ORDER:
            group = [mark for mark in mine if _drawn_as(canvas, mark) == state]
            if group:
                yield _trace(canvas, group, name, state)
        if legend and mine:
            marker = {"symbol": look.symbol, "color": look.on(canvas.dark), "size": 10}
            yield _scatter(
                [],
                mode="markers",
                name=look.label,
                legendgroup=name,
                legendrank=rank,
                marker=marker,
            )


def _drawn_as(canvas: Canvas, mark: Mark) -> State:
    """What is picked is drawn in full colour, unless it stands outside the limits."""
    return "front" if mark.id in canvas.info.picked and mark.state != "excluded" else mark.state


def _trace(canvas: Canvas, group: list[Mark], name: Family, state: State) -> Ink:
    look, color, baseline = LOOKS[name], LOOKS[name].on(canvas.dark), name == "baseline"
    xs = [_scaled(canvas.info.x, mark.x) for mark in group]
    ys = [_scaled(canvas.info.y, mark.y) for mark in group]
    hollow = state == "excluded" and not baseline
    opacity = 1.0 if baseline else OPACITY[state]
    marker = {
        "symbol": f"{look.symbol}-open" if hollow else look.symbol,
        "color": color,
        "size": 16 if baseline else 12 if state == "front" else 9,
        "line": (
            {"width": 1.4, "color": color} if hollow else {"width": 1, "color": canvas.at.paper}
        ),
        "opacity": opacity,
    }
    bars: Ink = {
        "type": "data",
        "symmetric": False,
        "color": rgba(color, BARS[state]),
        "thickness": 1.2,
        "width": 0,
    }
    return _scatter(
        [(x, y) for (x, _, _), (y, _, _) in zip(xs, ys, strict=True)],
        error_x={
            **bars,
            "array": [up for _, up, _ in xs],
            "arrayminus": [down for _, _, down in xs],
        },
        error_y={
            **bars,
            "array": [up for _, up, _ in ys],
            "arrayminus": [down for _, _, down in ys],
        },
        mode="markers",
        marker=marker,
        # A click must not fade the rest: the app draws its own ring around what is picked.
        selected={"marker": {"opacity": opacity}},
        unselected={"marker": {"opacity": opacity}},
        customdata=[[mark.id] for mark in group],
        hovertext=[mark.hover for mark in group],
        hoverinfo="text",
        name=look.label,
        legendgroup=name,
        showlegend=False,
    )


def _scaled(of: Metric, found: MetricValue) -> tuple[float, float, float]:
    """(value, distance up, distance down) in the shown unit; 0 where an end is not known."""
    value = of.shown(found.value)
    high = value if found.high is None else of.shown(found.high)
    low = value if found.low is None else of.shown(found.low)
    return value, max(0.0, high - value), max(0.0, value - low)


def _estimate(canvas: Canvas) -> Iterator[Ink]:
    """A hollow mark with dashed intervals: nothing about it was measured."""
    info, guess = canvas.info, canvas.info.estimate
    if guess is None:
        return
    look = LOOKS[guess.family]
    color = look.on(canvas.dark)
    x, x_up, x_down = _scaled(info.x, guess.x)
    y, y_up, y_down = _scaled(info.y, guess.y)
    for path in ([(x - x_down, y), (x + x_up, y)], [(x, y - y_down), (x, y + y_up)]):
        yield _scatter(
            path,
            mode="lines",
            line={"color": color, "width": 1.6, "dash": "dash"},
            hoverinfo="skip",
            showlegend=False,
        )
    marker = {"symbol": f"{look.symbol}-open", "color": color, "size": 15, "line": {"width": 2.5}}
    yield _scatter(
        [(x, y)],
        mode="markers",
        marker=marker,
        name="Estimate",
        hovertext=[guess.hover],
        hoverinfo="text",
        legendrank=90,
    )


def _rings(canvas: Canvas) -> list[Ink]:
    """A ring around every picked point; it lets clicks through to the point."""
    ringed = [canvas.shown(mark) for mark in canvas.info.marks if mark.id in canvas.info.picked]
    marker = {"symbol": "circle-open", "size": 22, "color": canvas.at.text, "line": {"width": 2}}
    return (
        [
            _scatter(
                ringed,
                mode="markers",
                marker=marker,
                name="Picked",
                hoverinfo="skip",
                showlegend=False,
            )
        ]
        if ringed
        else []
    )


def _scatter(path: Sequence[tuple[float, float]], **ink: Any) -> Ink:
    return {
        "type": "scatter",
        "x": [x for x, _ in path] or [None],
        "y": [y for _, y in path] or [None],
        **ink,
    }
