"""Models to show next to the recommended one: more accurate, smallest, fastest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from paretoscope.frontier.front import Frontier
from paretoscope.frontier.points import Objective
from paretoscope.frontier.recommend import Recommendation
from paretoscope.report.tables.table import Row

MOST = 2


class Alternative(NamedTuple):
    """A model on the front and why it may be preferred."""

    title: str
    row: Row


def alternatives(
    found: Frontier, advice: Recommendation, table: Mapping[str, Row]
) -> list[Alternative]:
    """At most two models within the limits, none of them noisy, the baseline or recommended."""
    best = table.get(advice.best or "")
    if best is None:
        return []
    allowed = [
        table[each]
        for each in advice.feasible
        if each != best.id and not table[each].noisy and not table[each].is_baseline
    ]
    chosen: list[Alternative] = []
    for title, row in _candidates(best, allowed, set(found.on_front)):
        if row is not None and row.id not in {each.row.id for each in chosen}:
            chosen.append(Alternative(title, row))
    return chosen[:MOST]


def _candidates(
    best: Row, allowed: Sequence[Row], on_front: set[str]
) -> list[tuple[str, Row | None]]:
    axes = best.summary.axes
    front = [row for row in allowed if row.id in on_front]
    better = [row for row in front if _gain(best, row, axes.quality) > 0]
    smaller = [row for row in allowed if _gain(best, row, axes.size) > 0]
    faster = [row for row in front if _gain(best, row, "speedup") > 0]
    return [
        ("More accurate", _first(better, axes.quality)),
        ("Smallest", _first(smaller, axes.size)),
        ("Fastest", _first(faster, "speedup")),
    ]


def _gain(best: Row, other: Row, key: str) -> float:
    """How much better `other` is, in stored units; 0 where one of them has no value."""
    mine, its = best.point.value(key), other.point.value(key)
    return 0.0 if mine is None or its is None else Objective(key).sign * (mine - its)


def _first(rows: Sequence[Row], key: str) -> Row | None:
    return min(rows, key=lambda row: (row.point.cost(key), row.id), default=None)
