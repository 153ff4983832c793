"""Limits on size, latency and loss of quality, and the room that a point has under each.

Values are in stored units; room is negative outside a limit. The recommendation under limits is
`frontier/recommend.py`'s.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from paretoscope.errors import ParetoscopeError
from paretoscope.frontier.columns import Array, Points
from paretoscope.frontier.points import Objective, Point
from paretoscope.trials.format import allowance, difference, listed
from paretoscope.trials.metrics import metric


@dataclass(frozen=True)
class Constraint:
    """A limit on a metric: at most `bound` if lower is better, at least if higher is better."""

    metric: str
    bound: float

    def __post_init__(self) -> None:
        _check_bound(self.metric, self.bound)

    def slack(self, point: Point, baseline: Point | None) -> float | None:
        """The room of one point; None when the metric was not measured."""
        return _one(self.rooms(Points([point]), baseline))

    def rooms(self, points: Points, baseline: Point | None) -> Array:
        """The room of each point under the limit, negative outside it; NaN when not measured."""
        return _room(self.bound, points.values(self.metric), Objective(self.metric).sign)

    def in_words(self, bound: float | None = None) -> str:
        row = metric(self.metric)
        return (
            f"{row.label} {'≤' if row.better == 'lower' else '≥'}"
            f" {row.format(self.bound if bound is None else bound)}"
        )

    def needed(self, slack: float) -> float:
        """The bound that a point with this (negative) slack would need."""
        return self.bound - Objective(self.metric).sign * slack


@dataclass(frozen=True)
class MaxDrop:
    """A limit on how much worse than the baseline a metric may be.

    `bound` is in the stored unit (0.02: two points), or a share of the baseline's value if the
    metric is compared relatively (0.02: 2 % more perplexity).
    """

    bound: float
    metric: str = "quality"

    def __post_init__(self) -> None:
        _check_bound(self.metric, self.bound)

    def slack(self, point: Point, baseline: Point | None) -> float | None:
        """As `Constraint.slack`; raises `ParetoscopeError` without a value of the baseline."""
        return _one(self.rooms(Points([point]), baseline))

    def rooms(self, points: Points, baseline: Point | None) -> Array:
        """As `Constraint.rooms`; raises `ParetoscopeError` without a value of the baseline."""
        base = baseline.value(self.metric) if baseline else None
        if base is None:
            raise ParetoscopeError(
                f"A limit on the drop in {metric(self.metric).label.lower()} needs the baseline's,"
                " which is missing; measure the baseline."
            )
        unit = base if metric(self.metric).relative else 1
        drops = Objective(self.metric).sign * (points.values(self.metric) - base) / unit
        return _room(self.bound, drops, 1)

    def in_words(self, bound: float | None = None) -> str:
        row = metric(self.metric)
        return (
            f"{row.label} {'drop' if row.better == 'higher' else 'rise'} ≤"
            f" {allowance(self.metric, self.bound if bound is None else bound)}"
        )

    def needed(self, slack: float) -> float:
        return self.bound - slack


Limit = Constraint | MaxDrop


def judged_by(objectives: Sequence[Objective], limits: Sequence[Limit]) -> str:
    """The objectives and limits of a recommendation, as the beginning of a sentence.

    >>> limits = [MaxDrop(0.02), Constraint("latency_p50_ms", 3.0)]
    >>> judged_by([Objective("quality"), Objective("size_bytes")], limits)
    'By accuracy and size, with at most 2 points lost and p50 ≤ 3.00 ms'
    """
    texts = [_briefly(limit) for limit in limits]
    return f"By {listed([objective.metric.called for objective in objectives])}" + (
        f", with {listed(texts)}" if texts else ""
    )


def _briefly(limit: Limit) -> str:
    row = metric(limit.metric)
    if isinstance(limit, Constraint):
        return limit.in_words().replace(row.label, row.called, 1)
    if row.relative:
        return f"at most {100 * limit.bound:g} % more {row.called}"
    if row.key != "quality":
        return limit.in_words()
    points = row.shown(limit.bound)
    return f"at most {points:g} point{'' if points == 1 else 's'} lost"


def _check_bound(key: str, bound: float) -> None:
    metric(key)
    if math.isnan(bound):
        raise ParetoscopeError(
            f"The limit on {key} is not a number; give a number or leave the limit out."
        )


def _one(rooms: Array) -> float | None:
    return None if np.isnan(rooms[0]) else float(rooms[0])


def _room(bound: float, values: Array, sign: int) -> Array:
    """Distance to the bound; 0 within rounding errors, such as that of 0.96 - 0.94."""
    with np.errstate(invalid="ignore"):
        room = sign * (bound - values)
        least = 1e-9 * np.maximum(abs(bound), np.abs(values))
        none = (values == bound) | (np.isfinite(room) & (np.abs(room) <= least))
    return np.where(none, 0.0, room)


@dataclass(frozen=True)
class Relaxation:
    """A limit that is too tight for a point: the bound it needs, and how much looser that is."""

    limit: Limit
    bound: float
    by: float

    def in_words(self) -> str:
        """
        >>> Relaxation(Constraint("latency_p50_ms", 3.0), 3.4, 0.4).in_words()
        'Latency p50 ≤ 3.00 ms is too tight by 0.400 ms (3.40 ms would do)'
        """
        row = metric(self.limit.metric)
        drop = isinstance(self.limit, MaxDrop)
        needed, by = (
            (allowance(row.key, self.bound), allowance(row.key, self.by))
            if drop
            else (row.format(self.bound), difference(row.key, self.by)[1:])
        )
        return f"{self.limit.in_words()} is too tight by {by} ({needed} would do)"
