"""The ink of a trade-off plot: colours, shapes, lines and labels. What is drawn is `tradeoff.py`'s.

Figures are plain plotly, so that a page, a report and a notebook show the same one.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import plotly.graph_objects as go  # pyright: ignore[reportMissingTypeStubs]

from compression.metrics import Metric
from compression.report.palette import LOOKS, Family, Ground, ground
from compression.report.tradeoff import Mark, State, Tradeoff
from compression.trial import MetricValue

Ink = dict[str, Any]
Range = tuple[float, float]

ORDER: tuple[State, ...] = ("excluded", "dominated", "near", "front")
"""Drawn one over the other in this order."""
OPACITY: dict[State, float] = {"front": 1.0, "near": 0.6, "dominated": 0.28, "excluded": 0.55}
BARS: dict[State, float] = {"front": 0.4, "near": 0.14, "dominated": 0.07, "excluded": 0.07}
"""Opacity of the marks, and of their error bars."""
WIDE = 2.5
"""When all points together take this many times the height of the good three quarters, those get the picture."""
CHARACTER = 0.017, 0.055
"""Width and height of a letter of a label, as shares of a plot of the usual size."""


@dataclass(frozen=True)
class Canvas:
    """What every part of the drawing needs; ranges are in shown units."""

    info: Tradeoff
    at: Ground
    dark: bool
    log_x: bool
    x_range: Range
    y_range: Range

    def annotated_x(self, x: float) -> float:
        """Where an annotation goes: plotly wants logarithms there, and plain values everywhere else."""
        return math.log10(x) if self.log_x else x

    def place(self, x: float, y: float) -> tuple[float, float]:
        """A point as shares (0 to 1) of the picture."""
        (left, right), at_x = ((math.log10(end) for end in self.x_range), math.log10(x)) if self.log_x else (self.x_range, x)
        bottom, top = self.y_range
        return (at_x - left) / (right - left), (y - bottom) / (top - bottom)

    def shown(self, mark: Mark) -> tuple[float, float]:
        return self.info.x.shown(mark.x.value), self.info.y.shown(mark.y.value)


def tradeoff_figure(
    info: Tradeoff, *, dark: bool = False, log_x: bool = False, whole: bool = False, height: int = 430, legend: bool = True, compact: bool = False
) -> go.Figure:
    """The plot of `info`. `whole` shows every point however far off; otherwise the picture is where the front is.
    `compact` leaves out labels and the words on the guides, for a plot of half the usual width."""
    x_range, y_range = _ranges(info, whole=whole)
    canvas = Canvas(info, ground(dark), dark, log_x, x_range, y_range)
    traces = [*_front_line(canvas), *_marks(canvas, legend), *_estimate(canvas), *_rings(canvas)]
    guides, guide_words = _guides(canvas, compact)
    words = guide_words if compact else [*guide_words, *_labels(canvas)]
    ground_ink = {"shapes": [*_limits(canvas), *guides], "annotations": [*words, *_out_of_sight(canvas)]}
    return go.Figure(traces, {**_layout(canvas, height, legend), **ground_ink})


def _layout(canvas: Canvas, height: int, legend: bool) -> Ink:
    at, info = canvas.at, canvas.info
    axis: Ink = {"gridcolor": at.grid, "zeroline": False, "linecolor": at.grid, "ticks": "", "automargin": True, "fixedrange": False}
    title: Ink = {"font": {"color": at.faint, "size": 13}, "standoff": 8}
    across: Ink = {**axis, "title": {**title, "text": f"{info.x.axis_title}<br><span style='font-size:10px'>{info.footnote}</span>"}}
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
        "height": height,
        "margin": {"l": 8, "r": 12, "t": 52 if legend else 24, "b": 8},
        "plot_bgcolor": "rgba(0,0,0,0)",
        "paper_bgcolor": "rgba(0,0,0,0)",
        "font": {"color": at.text, "size": 13},
        "dragmode": False,
        "modebar": {"bgcolor": "rgba(0,0,0,0)", "color": at.faint, "activecolor": at.text},
        "hovermode": "closest",
        "hoverlabel": {"bgcolor": at.paper, "bordercolor": at.faint, "font": {"color": at.text, "size": 12}, "align": "left"},
        "showlegend": legend,
        "legend": {"orientation": "h", "y": 1.07, "yanchor": "bottom", "x": 0, "xanchor": "left", "font": {"size": 12}},
        "xaxis": across,
        "yaxis": {**axis, "title": {**title, "text": info.y.axis_title}, "range": list(canvas.y_range)},
    }


def _round_numbers(ends: Range) -> Iterator[float]:
    """1, 2 and 5 times the powers of ten between the ends.

    >>> list(_round_numbers((0.4, 6)))
    [0.5, 1.0, 2.0, 5.0]
    """
    for power in range(math.floor(math.log10(ends[0])), math.ceil(math.log10(ends[1])) + 1):
        yield from (float(f"{factor}e{power}") for factor in (1, 2, 5) if ends[0] <= factor * 10.0**power <= ends[1])


# --- what is shown -----------------------------------------------------------------------------------


def _ranges(info: Tradeoff, *, whole: bool) -> tuple[Range, Range]:
    """The shown part of both axes, in shown units, with air around it."""
    guess = info.estimate
    xs = [info.x.shown(mark.x.value) for mark in info.marks] + ([info.x.shown(guess.x.value)] if guess else [])
    ys = [info.y.shown(mark.y.value) for mark in info.marks]
    if not xs:
        return (0.0, 1.0), (0.0, 1.0)
    if ys and not whole:
        ys = _near(info, ys)
    ys += [info.y.shown(guess.y.value)] if guess else []
    lowest = min(xs)
    air = (max(xs) - lowest) * 0.06 or abs(lowest) * 0.1 or 1.0
    spread = (max(ys) - min(ys)) * 0.10 or abs(max(ys)) * 0.05 or 1.0
    return (lowest - air if lowest - air > 0 or lowest <= 0 else lowest * 0.6, max(xs) + air * 1.4), (min(ys) - spread, max(ys) + spread)


def _near(info: Tradeoff, ys: list[float]) -> list[float]:
    """The heights worth a picture, when a few collapsed models would flatten the rest: those of the best
    three quarters and what is close to them."""
    ordered = sorted(ys, reverse=info.y.better == "higher")
    good = ordered[: max(3, math.ceil(len(ordered) * 0.75))]
    span = abs(good[0] - good[-1])
    if not span or abs(ordered[-1] - ordered[0]) <= WIDE * span:
        return ys
    return [y for y in ys if abs(y - good[0]) <= span * 1.5]


def _out_of_sight(canvas: Canvas) -> list[Ink]:
    """How many points lie above or below the picture, said at that edge."""
    heights = [canvas.shown(mark)[1] for mark in canvas.info.marks]
    below, above = sum(y < canvas.y_range[0] for y in heights), sum(y > canvas.y_range[1] for y in heights)
    font = {"size": 11, "color": canvas.at.faint}
    edge: Ink = {"x": 0.995, "xref": "paper", "yref": "paper", "xanchor": "right", "showarrow": False, "font": font}
    found = [{**edge, "y": 0.01, "yanchor": "bottom", "text": f"↓ {below} more below"}] if below else []
    return [*found, {**edge, "y": 0.99, "yanchor": "top", "text": f"↑ {above} more above"}] if above else found


# --- ground ------------------------------------------------------------------------------------------


def _limits(canvas: Canvas) -> Iterator[Ink]:
    """The region that the limits exclude, shaded, with a line at each limit."""
    for limit in canvas.info.limits:
        of, ends = (canvas.info.x, canvas.x_range) if limit.axis == "x" else (canvas.info.y, canvas.y_range)
        bound = of.shown(limit.bound)
        far = max(bound, ends[1]) if of.better == "lower" else min(bound, ends[0])
        across, up = ("x", "y") if limit.axis == "x" else ("y", "x")
        whole = {f"{up}0": 0, f"{up}1": 1, f"{up}ref": "paper", "layer": "below"}
        yield {"type": "rect", f"{across}0": bound, f"{across}1": far, **whole, "fillcolor": canvas.at.shade, "line": {"width": 0}}
        yield {"type": "line", f"{across}0": bound, f"{across}1": bound, **whole, "line": {"color": canvas.at.faint, "width": 1.2}}


def _guides(canvas: Canvas, compact: bool) -> tuple[list[Ink], list[Ink]]:
    """Dotted lines at round multiples of the baseline, each with a word at its end where the next one leaves room."""
    shapes: list[Ink] = []
    words: list[Ink] = []
    line = {"color": canvas.at.faint, "width": 1, "dash": "dot"}
    taken = math.inf
    for guide in canvas.info.guides:
        of, ends = (canvas.info.x, canvas.x_range) if guide.axis == "x" else (canvas.info.y, canvas.y_range)
        place = of.shown(guide.at)
        if not ends[0] < place < ends[1]:
            continue
        across, up = ("x", "y") if guide.axis == "x" else ("y", "x")
        whole = {f"{up}0": 0, f"{up}1": 1, f"{up}ref": "paper", "layer": "below", "opacity": 0.7}
        shapes.append({"type": "line", f"{across}0": place, f"{across}1": place, **whole, "line": line})
        word: Ink = {"showarrow": False, "font": {"size": 10.5, "color": canvas.at.faint}, "yanchor": "bottom"}
        if guide.axis == "y":
            words.append({**word, "y": place, "x": 1, "xref": "paper", "xanchor": "right", "text": guide.label})
            continue
        share = canvas.place(place, canvas.y_range[0])[0]
        short = guide.label.split(" ")[0]
        text = short if compact or taken < math.inf else guide.label
        if abs(taken - share) > 0.07 + 0.01 * len(text):
            words.append({**word, "x": canvas.annotated_x(place), "y": 1, "yref": "paper", "text": text})
            taken = share
    return shapes, words


# --- data --------------------------------------------------------------------------------------------


def _front_line(canvas: Canvas) -> list[Ink]:
    """The step line, carried on to the edges of the picture where nothing better is known."""
    info = canvas.info
    if not info.step:
        return []
    steps = [(info.x.shown(x), info.y.shown(y)) for x, y in info.step]
    steps = steps if info.x.better == "lower" else steps[::-1]
    worst_x = canvas.x_range[1] if info.x.better == "lower" else canvas.x_range[0]
    worst_y = min(canvas.y_range[0], steps[0][1]) if info.y.better == "higher" else max(canvas.y_range[1], steps[0][1])
    path = [(steps[0][0], worst_y), *steps, (worst_x, steps[-1][1])]
    line = {"color": canvas.at.text, "width": 1.6}
    return [_scatter(path, mode="lines", line=line, opacity=0.55, name="Front", hoverinfo="skip", legendrank=1)]


def _marks(canvas: Canvas, legend: bool) -> Iterator[Ink]:
    """One trace for each family and state; with a legend one more for each family, for a faded mark would be a poor sample of it."""
    for rank, (name, look) in enumerate(LOOKS.items(), start=10):
        mine = [mark for mark in canvas.info.marks if mark.family == name]
        for state in ORDER:
            group = [mark for mark in mine if mark.state == state]
            if group:
                yield _trace(canvas, group, name, state)
        if legend and mine:
            marker = {"symbol": look.symbol, "color": look.on(canvas.dark), "size": 10}
            yield _scatter([], mode="markers", name=look.label, legendgroup=name, legendrank=rank, marker=marker)


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
        "line": {"width": 1.4, "color": color} if hollow else {"width": 1, "color": canvas.at.paper},
        "opacity": opacity,
    }
    bars: Ink = {"type": "data", "symmetric": False, "color": _rgba(color, BARS[state]), "thickness": 1.2, "width": 0}
    return _scatter(
        [(x, y) for (x, _, _), (y, _, _) in zip(xs, ys, strict=True)],
        error_x={**bars, "array": [up for _, up, _ in xs], "arrayminus": [down for _, _, down in xs]},
        error_y={**bars, "array": [up for _, up, _ in ys], "arrayminus": [down for _, _, down in ys]},
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
        yield _scatter(path, mode="lines", line={"color": color, "width": 1.6, "dash": "dash"}, hoverinfo="skip", showlegend=False)
    marker = {"symbol": f"{look.symbol}-open", "color": color, "size": 15, "line": {"width": 2.5}}
    yield _scatter([(x, y)], mode="markers", marker=marker, name="Estimate", hovertext=[guess.hover], hoverinfo="text", legendrank=90)


def _rings(canvas: Canvas) -> list[Ink]:
    """A ring around every picked point; it lets clicks through to the point."""
    ringed = [canvas.shown(mark) for mark in canvas.info.marks if mark.id in canvas.info.picked]
    marker = {"symbol": "circle-open", "size": 22, "color": canvas.at.text, "line": {"width": 2}}
    return [_scatter(ringed, mode="markers", marker=marker, name="Picked", hoverinfo="skip", showlegend=False)] if ringed else []


def _scatter(path: Sequence[tuple[float, float]], **ink: Any) -> Ink:
    return {"type": "scatter", "x": [x for x, _ in path] or [None], "y": [y for _, y in path] or [None], **ink}


def _rgba(color: str, alpha: float) -> str:
    """
    >>> _rgba("#0072B2", 0.5)
    'rgba(0,114,178,0.5)'
    """
    return f"rgba({int(color[1:3], 16)},{int(color[3:5], 16)},{int(color[5:7], 16)},{alpha:g})"


# --- labels ------------------------------------------------------------------------------------------


def _labels(canvas: Canvas) -> Iterator[Ink]:
    """The recommended point by name, and the knee, each where it covers the fewest points."""
    info = canvas.info
    marks = {mark.id: mark for mark in info.marks}
    if info.recommended in marks:
        knee = " (knee)" if info.knee == info.recommended else ""
        yield _label(canvas, marks[info.recommended], f"{marks[info.recommended].name}{knee}", bold=True)
    if info.knee in marks and info.knee != info.recommended:
        yield _label(canvas, marks[info.knee], "knee", bold=False)


def _label(canvas: Canvas, mark: Mark, text: str, *, bold: bool) -> Ink:
    at = canvas.at
    x, y = canvas.shown(mark)
    right, up = _free_side(canvas, mark, text)
    return {
        "x": canvas.annotated_x(x),
        "y": y,
        "text": f"<b>{text}</b>" if bold else text,
        "showarrow": True,
        "arrowhead": 0,
        "arrowwidth": 1,
        "arrowcolor": at.faint,
        "ax": 26 if right else -26,
        "ay": -34 if up else 34,
        "standoff": 8,
        "xanchor": "left" if right else "right",
        "font": {"size": 12.5 if bold else 11, "color": at.text if bold else at.faint},
        "bgcolor": _rgba(at.paper, 0.7),
        "borderpad": 2,
    }


def _free_side(canvas: Canvas, mark: Mark, text: str) -> tuple[bool, bool]:
    """(right, up) of the corner where a label lies within the picture and over the fewest points."""
    places = [canvas.place(*canvas.shown(other)) for other in canvas.info.marks if other.id != mark.id]
    x, y = canvas.place(*canvas.shown(mark))
    width, height = len(text) * CHARACTER[0] + 0.06, CHARACTER[1]

    def covered(corner: tuple[bool, bool]) -> float:
        right, up = corner
        left = x + 0.06 if right else x - 0.06 - width
        bottom = y + 0.1 if up else y - 0.1 - height
        outside = max(0.0, -left) + max(0.0, left + width - 1) + max(0.0, -bottom) + max(0.0, bottom + height - 1)
        return 100 * outside + sum(left - 0.02 <= px <= left + width + 0.02 and bottom - 0.03 <= py <= bottom + height + 0.03 for px, py in places)

    return min(((True, True), (True, False), (False, True), (False, False)), key=covered)
