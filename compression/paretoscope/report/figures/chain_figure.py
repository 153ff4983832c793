"""A chain as small multiples: a row a stage, and a panel each for how good, how large and how fast
the model was after it.

Colour and shape are the strategy of the stage that was done last; what the steps are is
`report/tables/chain.py`'s.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import plotly.graph_objects as go  # pyright: ignore[reportMissingTypeStubs]

from paretoscope.report.figures.axes_ranges import Ink, Range
from paretoscope.report.figures.palette import LOOKS, Ground, Look, ground
from paretoscope.report.tables.chain import Step
from paretoscope.report.tables.table import delta
from paretoscope.trials.format import duration
from paretoscope.trials.metrics import Metric, metric

ROW, HEAD, FOOT = 46, 24, 4
"""Pixels: of a stage, its name over its numbers; over all stages, for the names of the panels; and
under them.
"""
NAME_AT, MARK_AT = 0.46, -0.18
"""Where in its row, which is one unit high, a stage has its name and its marks."""
PANELS = ((0.0, 0.40), (0.43, 0.70), (0.73, 1.0))
ROOM = 2.1
"""An axis goes on to so many times what its marks take: there the numbers stand."""
NAME_LETTERS = 50
"""What fits over the numbers of the narrowest card."""


@dataclass(frozen=True)
class _Mark:
    """One number of one step, in shown units, at a height of the picture."""

    height: float
    low: float
    value: float
    high: float
    number: str
    hover: str
    look: Look


def stages_figure(
    steps: Sequence[Step], *, on_axes_of: Sequence[Step] = (), dark: bool = False
) -> go.Figure:
    """The steps from the top; one that nobody has measured has a name and no numbers.

    The axes are as long as the steps need, and those of `on_axes_of`, so that pictures side by side
    can be compared.
    """
    at = ground(dark)
    traces: list[Ink] = []
    words: list[Ink] = []
    layout: Ink = {}
    for number, (key, domain) in enumerate(
        zip(steps[0].axes.objectives, PANELS, strict=True), start=1
    ):
        of = metric(key)
        marks = [
            mark
            for place, step in enumerate(steps)
            if (mark := _mark(of, step, steps[max(0, place - 1)], MARK_AT - place))
        ]
        traces.append((_dots if of.quality else _bars)(marks, dark) | {"xaxis": f"x{number}"})
        words.append(
            {
                "text": of.label,
                "x": domain[0],
                "y": 1,
                "yref": "paper",
                "yanchor": "bottom",
                "font": {"color": at.faint},
            }
        )
        words += [
            {
                "text": mark.number,
                "x": domain[1],
                "y": mark.height,
                "xanchor": "right",
                "yanchor": "middle",
            }
            for mark in marks
        ]
        layout[f"xaxis{number}"] = {
            "visible": False,
            "domain": domain,
            "range": _range(of, [*steps, *on_axes_of]),
            "fixedrange": True,
        }
    words += [
        {"text": _name(step, at), "x": 0, "y": NAME_AT - place, "yanchor": "top"}
        for place, step in enumerate(steps)
    ]
    layout |= {
        "height": ROW * len(steps) + HEAD + FOOT,
        "margin": {"l": 2, "r": 2, "t": HEAD, "b": FOOT},
        "plot_bgcolor": "rgba(0,0,0,0)",
        "paper_bgcolor": "rgba(0,0,0,0)",
        "font": {"color": at.text, "size": 12},
        "showlegend": False,
        "dragmode": False,
        "hoverlabel": {
            "bgcolor": at.paper,
            "bordercolor": at.faint,
            "font": {"color": at.text, "size": 12},
            "align": "left",
        },
        "annotations": [
            {"showarrow": False, "xref": "paper", "yref": "y", "xanchor": "left"} | word
            for word in words
        ],
        "yaxis": {"visible": False, "range": [0.5 - len(steps), 0.5], "fixedrange": True},
    }
    return go.Figure(traces, layout)


def _mark(of: Metric, step: Step, before: Step, height: float) -> _Mark | None:
    """None where the step was not measured."""
    point = step.row.point if step.row else None
    value, interval = (point.value(of.key), point.interval(of.key)) if point else (None, None)
    if step.row is None or value is None or interval is None:
        return None
    low, high = map(of.shown, interval)
    past = before.row.point.value(of.key) if before.row and before is not step else None
    change = delta(of.key, value, past)
    hover = f"<b>{step.stage}</b><br>{of.label}: {step.row.number(of.key)}" + (
        f"<br>{change} than before" if change else ""
    )
    return _Mark(height, low, of.shown(value), high, of.format(value), hover, LOOKS[step.family])


def _dots(marks: Sequence[_Mark], dark: bool) -> Ink:
    """How good it was has no natural nothing, so there are no bars of it."""
    dots = {
        "symbol": [mark.look.symbol for mark in marks],
        "color": [mark.look.on(dark) for mark in marks],
        "size": 11,
    }
    return {"type": "scatter", "mode": "markers", "marker": dots} | _common(marks, dark)


def _bars(marks: Sequence[_Mark], dark: bool) -> Ink:
    """Bars from nothing: how large or slow it was."""
    return {
        "type": "bar",
        "orientation": "h",
        "width": 0.3,
        "marker": {"color": [mark.look.on(dark) for mark in marks]},
    } | _common(marks, dark)


def _common(marks: Sequence[_Mark], dark: bool) -> Ink:
    whiskers = {
        "array": [m.high - m.value for m in marks],
        "arrayminus": [m.value - m.low for m in marks],
        "color": ground(dark).faint,
    }
    return {
        "x": [mark.value for mark in marks],
        "y": [mark.height for mark in marks],
        "error_x": {"type": "data", "symmetric": False, "thickness": 1, "width": 0} | whiskers,
        "hovertext": [mark.hover for mark in marks],
        "hoverinfo": "text",
    }


def _range(of: Metric, steps: Sequence[Step]) -> Range:
    """From nothing for an amount, from the worst end for a quality; on the right with room for the
    numbers.
    """
    ends = [
        of.shown(end)
        for step in steps
        if step.row and (interval := step.row.point.interval(of.key))
        for end in interval
    ] or [1.0]
    low, high = min(ends) if of.quality else 0.0, max(ends)
    span = (high - low) or 1.0
    return (low - 0.05 * span if of.quality else 0.0), low + span * ROOM


def _name(step: Step, at: Ground) -> str:
    """What was done and what that took; where nobody has measured the model after it, that too
    (HTML for plotly).
    """
    name = (
        step.stage
        if len(step.stage) <= NAME_LETTERS
        else f"{step.stage[: NAME_LETTERS - 1].rstrip()}…"
    )
    aside = [duration(step.seconds)] if step.seconds is not None else []
    aside += [] if step.row else ["not measured"]
    return name + "".join(f' <span style="color:{at.faint}">· {words}</span>' for words in aside)
