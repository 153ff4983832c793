"""The recommendation and the paired test in words."""

from __future__ import annotations

from collections.abc import Mapping

from paretoscope.frontier.limits import MaxDrop
from paretoscope.frontier.recommend import Recommendation
from paretoscope.report.tables.table import Row
from paretoscope.report.verdict import chance
from paretoscope.trials.format import (
    allowance,
    change,
    difference,
    listed,
    negligible,
)
from paretoscope.trials.metrics import metric
from paretoscope.trials.trial import Interval

NO_MODEL = "No recommendation yet."


def change_sentence(row: Row) -> str:
    """The change of quality as a sentence."""
    return f"{metric(row.summary.axes.quality).label} {quality_change(row)}."


def quality_change(row: Row) -> str:
    """The change from the baseline and whether chance explains it.

    "-1.2 points, within chance (24 lost, 20 gained)"
    """
    key = row.summary.axes.quality
    value, base, paired = row.point.value(key), row.baseline.get(key), row.document.paired
    if value is None or base is None:
        return "no baseline"
    if paired and paired.change:
        return _perplexity(paired.change)
    points = (value - base) * 100
    text = "unchanged" if abs(points) < 0.05 else f"{points:+.1f} points"
    if paired is None:
        return text
    n = row.document.quality.n if row.document.quality else 0
    return f"{text}, {chance(paired, n)}"


def _perplexity(change: Interval) -> str:
    """
    >>> _perplexity(Interval(value=0.018, low=0.015, high=0.021))
    '+1.80 % [1.50, 2.10], a clear loss'
    >>> _perplexity(Interval(value=0.0001, low=-0.001, high=0.001))
    '+0.01 % [-0.10, 0.10], within chance'
    """
    verdict = f"a clear {'loss' if change.value > 0 else 'gain'}"
    if change.low <= 0 <= change.high:
        verdict = "within chance"
    ends = f"[{100 * change.low:.2f}, {100 * change.high:.2f}]"
    return f"{100 * change.value:+.2f} % {ends}, {verdict}"


def why(found: Recommendation, table: Mapping[str, Row]) -> str:
    """The reasons, the runner-up, the smallest model and the nearest limit."""
    if found.best is None:
        return found.why
    parts = (found.why, _runner_up(found, table), _smallest(found, table), _nearest(found))
    return " ".join(part for part in parts if part)


def _runner_up(found: Recommendation, table: Mapping[str, Row]) -> str:
    if found.runner_up is None or found.best is None:
        return ""
    best, other = table[found.best], table[found.runner_up]
    axes = best.summary.axes
    directions = (
        (axes.quality, "", ""),
        (axes.time, "slower", "faster"),
        (axes.size, "larger", "smaller"),
    )
    changes = [
        text for key, *words in directions if (text := _difference(best, other, key, *words))
    ]
    return f"Runner-up: **{other.short_name}**, {listed(changes) or 'equal'}."


def _difference(best: Row, other: Row, key: str, worse: str, better: str) -> str:
    """How much worse or better `other` is in one metric; empty when that is not clear."""
    before, after = best.point.value(key), other.point.value(key)
    if before is None or after is None or negligible(key, after - before):
        return ""
    if not worse:
        return change(key, after, before)
    if key == best.summary.axes.time and _overlap(best, other, key):
        return ""
    return f"{difference(key, after - before)[1:]} {worse if after > before else better}"


def _smallest(found: Recommendation, table: Mapping[str, Row]) -> str:
    """The smallest model within the limits, unless it is recommended."""
    sizes = {
        each: size
        for each in found.feasible
        if (size := table[each].point.value("size_bytes")) is not None
    }
    least = min(sizes, key=sizes.__getitem__, default=None)
    if least is None or least == found.best:
        return ""
    name = "the runner-up" if least == found.runner_up else table[least].short_name
    size = metric("size_bytes").format(sizes[least])
    return f"Smallest within the limits: **{name}**, {size}, {quality_change(table[least])}."


def _overlap(one: Row, other: Row, key: str) -> bool:
    """Whether two intervals overlap, so that the order is not clear."""
    first, second = one.point.interval(key), other.point.interval(key)
    return bool(first and second and first[0] <= second[1] and second[0] <= first[1])


def _nearest(found: Recommendation) -> str:
    limit = found.nearest_limit
    if limit is None:
        return ""
    slack = found.slack[limit]
    room = (
        allowance(limit.metric, slack)
        if isinstance(limit, MaxDrop)
        else difference(limit.metric, slack)[1:]
    )
    return f"Nearest limit: {metric(limit.metric).label.lower()}, {room} left."
