"""The answer before the picture: which model to take under the limits, why, and what comes second. Pure words."""

from __future__ import annotations

from collections.abc import Mapping

from compression.frontier import Recommendation
from compression.metrics import metric
from compression.points import difference
from compression.report.table import Row


def headline(found: Recommendation, table: Mapping[str, Row]) -> str:
    """One sentence in markdown that names the model to take, or says that there is none."""
    if found.best is None:
        return "No model meets every limit." if found.closest else "Nothing to recommend yet."
    row = table[found.best]
    if row.document.is_baseline:
        return "Keep the model as it is."
    return f"Take **{row.name}**"


def figures(row: Row) -> str:
    """What it costs and brings, in a line: accuracy with its change and what the paired test says, speed, size."""
    if row.document.is_baseline:
        return f"{row.said('quality')}, {row.said('size_bytes')}, {row.said('latency_p50_ms')}."
    parts = [f"{metric('quality').format(row.point.value('quality'))} ({loss(row)})"]
    document = row.document
    if document.speedup:
        ratio = document.speedup.value
        parts.append(f"{ratio:.1f}x faster" if ratio >= 1 else f"{1 / ratio:.1f}x slower")
    base, size = row.baseline.get("size_bytes"), row.point.value("size_bytes")
    if base and size:
        parts.append(f"{base / size:.1f}x smaller" if base >= size else f"{size / base:.1f}x larger")
    return ", ".join(parts) + "."


def loss(row: Row) -> str:
    """The change of accuracy and whether it is more than chance: "-1.2 points, p = .21: no clear loss"."""
    value, base, paired = row.point.value("quality"), row.baseline.get("quality"), row.document.paired
    if value is None or base is None:
        return "no baseline"
    points = (value - base) * 100
    change = "no change" if abs(points) < 0.05 else f"{points:+.1f} points"
    if paired is None:
        return change
    p = p_value(paired.mcnemar_p)
    clear = paired.mcnemar_p < 0.05
    if change == "no change":
        return f"no change, {p}"
    verdict = ("a clear loss" if points < 0 else "a clear gain") if clear else "no clear loss" if points < 0 else "no clear gain"
    return f"{change}, {p}: {verdict}"


def p_value(p: float) -> str:
    """
    >>> p_value(0.21), p_value(0.004), p_value(0.00002), p_value(1.0)
    ('p = .21', 'p = .004', 'p < .001', 'p = 1.00')
    """
    if p < 0.001:
        return "p < .001"
    shown = f"{p:.2f}" if p >= 0.01 else f"{p:.3f}"
    return f"p = {shown.removeprefix('0')}"


def why(found: Recommendation, table: Mapping[str, Row]) -> str:
    """Why this one, what is second and which limit is nearest; for no model at all, which limit is too tight."""
    if found.best is None:
        return found.reason
    name, reason = table[found.best].name, found.reason
    # The headline has said the name and the figures already; what follows them is the reason itself.
    cut = (
        reason.find(". It ")
        if ". It " in reason
        else next((reason.find(f". {w}") for w in ("Of ", "This ", "Every ", "None ") if f". {w}" in reason), -1)
    )
    said = reason[cut + 2 :] if cut >= 0 and reason.startswith(name) else reason
    return " ".join(part for part in (said, _second(found, table), _nearest(found)) if part)


def _second(found: Recommendation, table: Mapping[str, Row]) -> str:
    if found.runner_up is None or found.best is None:
        return ""
    best, other = table[found.best], table[found.runner_up]
    changes: list[str] = []
    for key, worse, better in (("quality", "", ""), ("latency_p50_ms", "slower", "faster"), ("size_bytes", "larger", "smaller")):
        mine, its = best.point.value(key), other.point.value(key)
        if mine is None or its is None or mine == its:
            continue
        words = difference(key, its - mine)
        changes.append(words if key == "quality" else f"{words[1:]} {worse if its > mine else better}")
    return f"Runner-up: **{other.name}** ({', '.join(changes) or 'the same'})."


def _nearest(found: Recommendation) -> str:
    limit = found.nearest_limit
    if limit is None:
        return ""
    room = difference(limit.metric, found.slack[limit])[1:]
    return f"Nearest limit: {metric(limit.metric).label.lower()}, {room} to spare."
