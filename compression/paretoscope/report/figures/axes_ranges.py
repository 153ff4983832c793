"""What every part of a trade-off plot needs to know before it draws: the data, the ground, and
which part of both axes is shown.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from paretoscope.report.figures.palette import Ground, ground
from paretoscope.report.figures.tradeoff import Mark, Tradeoff
from paretoscope.trials.metrics import Metric

Ink = dict[str, Any]
"""A part of a figure in plotly's own words."""
Range = tuple[float, float]

WIDE = 2.5
"""When all points together take this many times the height of the good three quarters, those get
the picture.
"""
TALL = 2.5
"""Intervals of the front are shown whole while the picture gets no more than so many times as high
by them.
"""
LEAST_HEIGHT = 0.02
"""What the picture is high at least, as a share of the best value: less would make mountains of
what no reader notices.
"""
MARKER = 0.025
"""Half a marker as a share of a plot of the usual height."""


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
        """Where an annotation goes: plotly wants logarithms there, and plain values everywhere
        else.
        """
        return math.log10(x) if self.log_x else x

    def place(self, x: float, y: float) -> tuple[float, float]:
        """A point as shares (0 to 1) of the picture."""
        (left, right), at_x = (
            ((math.log10(end) for end in self.x_range), math.log10(x) if x > 0 else -math.inf)
            if self.log_x
            else (self.x_range, x)
        )
        bottom, top = self.y_range
        return (at_x - left) / (right - left), (y - bottom) / (top - bottom)

    def shown(self, mark: Mark) -> tuple[float, float]:
        return self.info.x.shown(mark.x.value), self.info.y.shown(mark.y.value)

    def ends(self, mark: Mark) -> tuple[float, float]:
        """The interval of a point upwards, in shown units; the point itself where an end is not
        known.
        """
        return _ends(self.info.y, mark)


def canvas_for(info: Tradeoff, *, dark: bool, log_x: bool, whole: bool) -> Canvas:
    """The canvas for `info`; `whole` shows every point however far off."""
    x_range, y_range = _ranges(info, whole=whole)
    if log_x:
        xs = [x for mark in info.marks if (x := info.x.shown(mark.x.value)) > 0] or [x_range[1]]
        x_range = min(xs) / 1.2, max(xs) * 1.2
    return Canvas(info, ground(dark), dark, log_x, x_range, y_range)


def _ranges(info: Tradeoff, *, whole: bool) -> tuple[Range, Range]:
    """The shown part of both axes, in shown units, with air around it."""
    guess = info.estimate
    xs = [info.x.shown(mark.x.value) for mark in info.marks] + (
        [info.x.shown(guess.x.value)] if guess else []
    )
    ys = [info.y.shown(mark.y.value) for mark in info.marks]
    if not xs:
        return (0.0, 1.0), (0.0, 1.0)
    if ys and not whole:
        ys = [
            *_near(info, ys),
            *(info.y.shown(mark.y.value) for mark in info.marks if mark.id in info.picked),
        ]
    ys += [info.y.shown(guess.y.value)] if guess else []
    lowest = min(xs)
    air = (max(xs) - lowest) * 0.06 or abs(lowest) * 0.1 or 1.0
    height = max(ys) - min(ys)
    spread = max(height * 0.10, (abs(max(ys)) * LEAST_HEIGHT - height) / 2) or 1.0
    left = lowest - air if lowest - air > 0 or lowest <= 0 else lowest * 0.6
    bottom, top = _with_intervals(info, min(ys) - spread, max(ys) + spread)
    return (left, _at_most_all(info.x, left, max(xs) + air * 1.4)), (
        bottom,
        _at_most_all(info.y, bottom, top),
    )


def _with_intervals(info: Tradeoff, bottom: float, top: float) -> Range:
    """Wide enough for the intervals of the front and of what is picked, unless these would flatten
    everything.
    """
    shown = [mark for mark in info.marks if mark.state == "front" or mark.id in info.picked]
    ends = [
        end
        for mark in shown
        if bottom <= info.y.shown(mark.y.value) <= top
        for end in _ends(info.y, mark)
    ]
    air = (top - bottom) * 0.02
    low, high = (
        min([bottom, *(end - air for end in ends)]),
        max([top, *(end + air for end in ends)]),
    )
    return (low, high) if high - low <= TALL * (top - bottom) else (bottom, top)


def _ends(of: Metric, mark: Mark) -> tuple[float, float]:
    low, high = (
        of.shown(mark.y.value if end is None else end) for end in (mark.y.low, mark.y.high)
    )
    return low, high


def _at_most_all(of: Metric, low: float, high: float) -> float:
    """The upper end of an axis: a share of all has nothing over 100 % but half of the marker that
    stands there.
    """
    share = of.unit == "%" and of.better == "higher"
    return min(high, 100 + max(0.5, MARKER * (high - low))) if share else high


def _near(info: Tradeoff, ys: list[float]) -> list[float]:
    """The heights worth a picture, when a few collapsed models would flatten the rest: those of the
    best three quarters and what is close to them."""
    ordered = sorted(ys, reverse=info.y.better == "higher")
    good = ordered[: max(3, math.ceil(len(ordered) * 0.75))]
    span = abs(good[0] - good[-1])
    if not span or abs(ordered[-1] - ordered[0]) <= WIDE * span:
        return ys
    return [y for y in ys if abs(y - good[0]) <= span * 1.5]


def rgba(color: str, alpha: float) -> str:
    """
    >>> rgba("#0072B2", 0.5)
    'rgba(0,114,178,0.5)'
    """
    return f"rgba({int(color[1:3], 16)},{int(color[3:5], 16)},{int(color[5:7], 16)},{alpha:g})"
