"""Which part of both axes a trade-off plot shows, and where a point lies within it.

Points and labels are drawn elsewhere.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
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
BEYOND_LIMIT = 0.5
"""The plot shows this share of a limit's distance from the best point beyond the limit."""
MARGIN = 0.09
"""Free space at each end of an axis, as a share of the distance of the outermost points."""
MIN_HEIGHT = 0.02
"""Smallest height as a share of the best value: less would magnify negligible differences."""
MIN_CHANGE = 2.0
"""The same for a change, in points or per cent."""


@dataclass(frozen=True)
class AxesRanges:
    """A plot with the shown range of both axes, in shown units."""

    info: Tradeoff
    colors: Background
    dark: bool
    log_x: bool
    log_y: bool
    x_range: Range
    y_range: Range

    def annotated_x(self, x: float) -> float:
        """The x of an annotation: plotly expects a logarithm there on a logarithmic axis."""
        return math.log10(x) if self.log_x else x

    def annotated_y(self, y: float) -> float:
        return math.log10(y) if self.log_y else y

    def place(self, x: float, y: float) -> tuple[float, float]:
        """A point as shares (0 to 1) of the plot's width and height."""
        return _share(x, self.x_range, log=self.log_x), _share(y, self.y_range, log=self.log_y)

    def shown(self, marker: Marker) -> tuple[float, float]:
        return self.info.x.shown(marker.x.value), self.info.y.shown(marker.y.value)

    def ends(self, marker: Marker) -> Range:
        """The vertical interval of a point in shown units; the value where an end is unknown."""
        low, high, value = marker.y.low, marker.y.high, marker.y.value
        of = self.info.y
        return of.shown(value if low is None else low), of.shown(value if high is None else high)


def _share(value: float, ends: Range, *, log: bool) -> float:
    if log:
        if value <= 0:
            return -math.inf
        value, ends = math.log10(value), (math.log10(ends[0]), math.log10(ends[1]))
    return (value - ends[0]) / (ends[1] - ends[0])


def axes_ranges(
    info: Tradeoff, *, dark: bool, log_x: bool | None = None, all_points: bool = False
) -> AxesRanges:
    """The ranges for `info`; `all_points` keeps outliers in the plot.

    An axis is logarithmic where ratios of the metric matter (`Metric.log`) and every shown value is
    positive; `log_x` overrides it for the horizontal one.
    """
    xs, ys = _xs(info), _ys(info, all_points=all_points)
    wants_log = info.x.log if log_x is None else log_x
    on_log_x = wants_log and any(x > 0 for x in xs)
    on_log_y = info.y.log and all(y > 0 for y in ys)
    x_range = _widened([x for x in xs if x > 0 or not on_log_x], info.x, log=on_log_x)
    y_range = _widened(ys, info.y, log=on_log_y)
    return AxesRanges(info, background(dark), dark, on_log_x, on_log_y, x_range, y_range)


def _xs(info: Tradeoff) -> list[float]:
    found = [info.x.shown(each.x.value) for each in (*info.markers, *info.ghosts)]
    return found + ([info.x.shown(info.estimate.x.value)] if info.estimate else [])


def _ys(info: Tradeoff, *, all_points: bool) -> list[float]:
    """The heights that the plot has to hold: all of them, or the front and what is near it."""
    ys = [info.y.shown(each.y.value) for each in (*info.markers, *info.ghosts)]
    if ys and not all_points:
        ys = _without_outliers(info, ys)
    ys += [info.y.shown(each.y.value) for each in info.markers if each.id in info.picked]
    if info.estimate:
        ys.append(info.y.shown(info.estimate.y.value))
    return ys + [info.y.shown(each.bound) for each in info.limits if each.axis == "y" and ys]


def _widened(values: Sequence[float], of: Metric, *, log: bool) -> Range:
    """From the smallest to the largest value with free space at both ends."""
    if not values:
        return 0.0, 1.0
    low, high = min(values), max(values)
    if log:
        margin = max((high / low) ** MARGIN, 1 + (MIN_HEIGHT / 2 if of.quality else 0.12))
        return low / margin, high * margin
    least = MIN_CHANGE if of.fidelity else abs(high) * MIN_HEIGHT
    margin = max((high - low) * MARGIN, (least - (high - low)) / 2) or 1.0
    top = high + margin
    if of.unit == "%" and of.better == "higher":
        top = min(top, 100.5)
    bottom = low - margin
    return (bottom if bottom > 0 or low <= 0 or of.fidelity else low * 0.6), top


def _without_outliers(info: Tradeoff, ys: list[float]) -> list[float]:
    """The heights within the limit and a part beyond it; without a limit, those near the best 75 %.

    A front that fills a small part of the plot cannot be read, so what is far outside is left out
    and counted at the edge.
    """
    higher = info.y.better == "higher"
    best = max(ys) if higher else min(ys)
    if bound := next((info.y.shown(each.bound) for each in info.limits if each.axis == "y"), None):
        farthest = bound + BEYOND_LIMIT * (bound - best)
        kept = [y for y in ys if (y >= farthest if higher else y <= farthest)]
        return kept if len(kept) > 1 else ys
    ordered = sorted(ys, reverse=higher)
    good = ordered[: max(3, math.ceil(len(ordered) * 0.75))]
    span = abs(good[0] - good[-1])
    if not span or abs(ordered[-1] - ordered[0]) <= MAX_SPREAD * span:
        return ys
    return [y for y in ys if abs(y - good[0]) <= span * 1.5]
