"""Which part of both axes a trade-off plot shows, and where a point lies within it.

Points and labels are drawn elsewhere.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from paretoscope.report.figures.palette import Background, background
from paretoscope.report.figures.tradeoff import Marker, Tradeoff
from paretoscope.trials.metrics import Metric

PlotlyDict = dict[str, Any]
"""A trace, shape, annotation or layout in plotly's schema."""
Range = tuple[float, float]

MAX_SPREAD = 2.5
"""Outliers are left out when all points need this many times the height of the best 75 %."""
MAX_STRETCH = 2.5
"""Intervals of the front may make the plot at most this many times as high."""
MIN_HEIGHT = 0.02
"""Smallest height as a share of the best value: less would magnify negligible differences."""
HALF_MARKER = 0.025
"""Half the size of a marker as a share of the plot's height."""


@dataclass(frozen=True)
class AxesRanges:
    """A plot with the shown range of both axes, in shown units."""

    info: Tradeoff
    colors: Background
    dark: bool
    log_x: bool
    x_range: Range
    y_range: Range

    def annotated_x(self, x: float) -> float:
        """The x of an annotation: plotly expects a logarithm there on a logarithmic axis."""
        return math.log10(x) if self.log_x else x

    def place(self, x: float, y: float) -> tuple[float, float]:
        """A point as shares (0 to 1) of the plot's width and height."""
        (left, right), at_x = (
            ((math.log10(end) for end in self.x_range), math.log10(x) if x > 0 else -math.inf)
            if self.log_x
            else (self.x_range, x)
        )
        bottom, top = self.y_range
        return (at_x - left) / (right - left), (y - bottom) / (top - bottom)

    def shown(self, marker: Marker) -> tuple[float, float]:
        return self.info.x.shown(marker.x.value), self.info.y.shown(marker.y.value)

    def ends(self, marker: Marker) -> Range:
        """The vertical interval of a point in shown units; the value where an end is unknown."""
        return _ends(self.info.y, marker)


def axes_ranges(info: Tradeoff, *, dark: bool, log_x: bool, all_points: bool) -> AxesRanges:
    """The ranges for `info`; `all_points` keeps outliers in the plot."""
    x_range, y_range = _ranges(info, all_points=all_points)
    if log_x:
        positive = [x for each in info.markers if (x := info.x.shown(each.x.value)) > 0]
        xs = positive or [x_range[1]]
        x_range = min(xs) / 1.2, max(xs) * 1.2
    return AxesRanges(info, background(dark), dark, log_x, x_range, y_range)


def _ranges(info: Tradeoff, *, all_points: bool) -> tuple[Range, Range]:
    """Ranges of x and y in shown units, with margins."""
    guess = info.estimate
    xs = [info.x.shown(each.x.value) for each in info.markers]
    ys = [info.y.shown(each.y.value) for each in info.markers]
    xs += [info.x.shown(guess.x.value)] if guess else []
    if not xs:
        return (0.0, 1.0), (0.0, 1.0)
    if ys and not all_points:
        picked = [info.y.shown(each.y.value) for each in info.markers if each.id in info.picked]
        ys = [*_without_outliers(info, ys), *picked]
    ys += [info.y.shown(guess.y.value)] if guess else []
    lowest = min(xs)
    margin = (max(xs) - lowest) * 0.06 or abs(lowest) * 0.1 or 1.0
    height = max(ys) - min(ys)
    spread = max(height * 0.10, (abs(max(ys)) * MIN_HEIGHT - height) / 2) or 1.0
    left = lowest - margin if lowest - margin > 0 or lowest <= 0 else lowest * 0.6
    bottom, top = _with_intervals(info, min(ys) - spread, max(ys) + spread)
    right = _at_most_100(info.x, left, max(xs) + margin * 1.4)
    return (left, right), (bottom, _at_most_100(info.y, bottom, top))


def _with_intervals(info: Tradeoff, bottom: float, top: float) -> Range:
    """Wide enough for the intervals of the front and of picked points, up to `MAX_STRETCH`."""
    ends = [
        end
        for each in info.markers
        if each.state == "front" or each.id in info.picked
        if bottom <= info.y.shown(each.y.value) <= top
        for end in _ends(info.y, each)
    ]
    margin = (top - bottom) * 0.02
    low = min([bottom, *(end - margin for end in ends)])
    high = max([top, *(end + margin for end in ends)])
    return (low, high) if high - low <= MAX_STRETCH * (top - bottom) else (bottom, top)


def _ends(of: Metric, marker: Marker) -> Range:
    low, high = marker.y.low, marker.y.high
    value = marker.y.value
    return of.shown(value if low is None else low), of.shown(value if high is None else high)


def _at_most_100(of: Metric, low: float, high: float) -> float:
    """The upper end of an axis; an accuracy ends at 100 % plus half a marker."""
    is_share = of.unit == "%" and of.better == "higher"
    return min(high, 100 + max(0.5, HALF_MARKER * (high - low))) if is_share else high


def _without_outliers(info: Tradeoff, ys: list[float]) -> list[float]:
    """The heights of the best 75 % and those near them; all of them when they are close."""
    ordered = sorted(ys, reverse=info.y.better == "higher")
    good = ordered[: max(3, math.ceil(len(ordered) * 0.75))]
    span = abs(good[0] - good[-1])
    if not span or abs(ordered[-1] - ordered[0]) <= MAX_SPREAD * span:
        return ys
    return [y for y in ys if abs(y - good[0]) <= span * 1.5]
