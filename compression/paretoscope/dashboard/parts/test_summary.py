"""The answer before the picture: which model to take under the limits, why, and what comes second.
Pure words.
"""

from __future__ import annotations

from collections.abc import Mapping

from paretoscope.frontier.limits import MaxDrop
from paretoscope.frontier.recommend import Recommendation
from paretoscope.report.tables.table import Row
from paretoscope.trials.format import (
    allowance,
    change,
    difference,
    listed,
    negligible,
    p_in_words,
    size_in_words,
    speed_in_words,
    speed_with_interval,
)
from paretoscope.trials.metrics import metric
from paretoscope.trials.trial import Interval

WIDE = 1.2
"""A speed-up whose interval ends at so many times its beginning is not said without it."""


def headline(found: Recommendation, table: Mapping[str, Row]) -> str:
    """One sentence in markdown that names the model to take, or says that there is none."""
    if found.best is None:
        return "No model meets every limit." if found.closest else "Nothing to recommend yet."
    row = table[found.best]
    if row.document.is_baseline:
        return "Keep the model as it is."
    return f"Take **{row.name}**"


def figures(row: Row) -> str:
    """What it costs and brings, in a line: accuracy with its change and what the paired test says,
    speed (a decoder's for the prompt too), size.
    """
    quality = metric(row.document.axes.quality)
    if row.document.is_baseline:
        return (
            quality.before
            + ", ".join(row.number_and_change(key) for key in row.document.axes.objectives)
            + "."
        )
    parts = [f"{quality.before}{quality.format(row.point.value(quality.key))} ({loss(row)})"]
    document = row.document
    if document.speedup:
        speedup = document.speedup
        wide = row.noisy or speedup.high > WIDE * speedup.low
        said = (
            speed_with_interval(speedup)
            if wide
            else speed_in_words(speedup.value, speedup.low, speedup.high, digits=1)
        )
        parts.append(f"{said} (noisy sitting)" if row.noisy else said)
    if prompt := row.change("ttft_ms"):
        parts.append(f"first token {prompt}")
    base, size = row.baseline.get("size_bytes"), row.point.value("size_bytes")
    if base and size:
        parts.append(size_in_words(base / size, digits=1))
    return ", ".join(parts) + "."


def lost(row: Row) -> str:
    """`loss` as a sentence: "Accuracy -1.2 points, p = .21: no clear loss."."""
    return f"{metric(row.document.axes.quality).label} {loss(row)}."


def loss(row: Row) -> str:
    """The change of accuracy and whether it is more than chance: "-1.2 points, p = .21: no clear
    loss".
    """
    key = row.document.axes.quality
    value, base, paired = row.point.value(key), row.baseline.get(key), row.document.paired
    if value is None or base is None:
        return "no baseline"
    if paired and paired.change:
        return _more(paired.change)
    points = (value - base) * 100
    unchanged = abs(points) < 0.05
    said = "unchanged" if unchanged else f"{points:+.1f} points"
    if paired is None:
        return said
    p = p_in_words(paired.mcnemar_p)
    clear = paired.mcnemar_p < 0.05
    if unchanged:
        return f"{said}, {p}"
    verdict = (
        ("a clear loss" if points < 0 else "a clear gain")
        if clear
        else "no clear loss"
        if points < 0
        else "no clear gain"
    )
    return f"{said}, {p}: {verdict}"


def _more(change: Interval) -> str:
    """
    >>> _more(Interval(value=0.018, low=0.015, high=0.021)), _more(Interval(value=0.0001, low=-0.001, high=0.001))
    ('+1.80 % [1.50, 2.10]: a loss beyond chance', '+0.01 % [-0.10, 0.10]: no clear loss')
    """
    what = "loss" if change.value > 0 else "gain"
    verdict = f"no clear {what}" if change.low <= 0 <= change.high else f"a {what} beyond chance"
    return (
        f"{100 * change.value:+.2f} % [{100 * change.low:.2f}, {100 * change.high:.2f}]: {verdict}"
    )


def why(found: Recommendation, table: Mapping[str, Row]) -> str:
    """Why this one, what is second, which is the smallest and which limit is nearest; for no model
    at all, which limit is too tight.
    """
    if found.best is None:
        return found.why
    return " ".join(
        part
        for part in (found.why, _second(found, table), _smallest(found, table), _nearest(found))
        if part
    )


def _second(found: Recommendation, table: Mapping[str, Row]) -> str:
    if found.runner_up is None or found.best is None:
        return ""
    best, other = table[found.best], table[found.runner_up]
    changes: list[str] = []
    axes = best.document.axes
    for key, worse, better in (
        (axes.quality, "", ""),
        (axes.time, "slower", "faster"),
        (axes.size, "larger", "smaller"),
    ):
        mine, its = best.point.value(key), other.point.value(key)
        if (
            mine is None
            or its is None
            or negligible(key, its - mine)
            or (key == axes.time and _overlap(best, other, key))
        ):
            continue
        words = change(key, its, mine) if key == axes.quality else difference(key, its - mine)
        changes.append(
            words if key == axes.quality else f"{words[1:]} {worse if its > mine else better}"
        )
    return (
        f"Runner-up: **{other.name}**"
        f" ({f'beside it {listed(changes)}' if changes else 'the same'})."
    )


def _smallest(found: Recommendation, table: Mapping[str, Row]) -> str:
    """How small it gets within the limits, unless that is what is recommended."""
    sizes = {
        id: size
        for id in found.feasible
        if (size := table[id].point.value("size_bytes")) is not None
    }
    least = min(sizes, key=sizes.__getitem__, default=None)
    if least is None or least == found.best:
        return ""
    said = f"{metric('size_bytes').format(sizes[least])}, {loss(table[least])}"
    return (
        "Smallest within the limits:"
        f" **{table[least].name if least != found.runner_up else 'the runner-up'}** ({said})."
    )


def _overlap(one: Row, other: Row, key: str) -> bool:
    """Whether the intervals of two numbers overlap, so that which is larger is not clear."""
    mine, its = one.point.interval(key), other.point.interval(key)
    return bool(mine and its and mine[0] <= its[1] and its[0] <= mine[1])


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
    return f"Nearest limit: {metric(limit.metric).label.lower()}, {room} to spare."
