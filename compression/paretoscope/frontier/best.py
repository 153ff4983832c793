"""The best of several models in one metric, where the difference is beyond chance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from paretoscope.frontier.comparison import leaders, pair
from paretoscope.frontier.points import Point
from paretoscope.trials.metrics import metric
from paretoscope.trials.samples import Samples
from paretoscope.trials.trial import Paired, TrialDocument

SIGNIFICANT = 0.05
TIMED = ("latency_", "ttft_", "tpot_", "tokens_per_s", "energy_")
"""Beginnings of metrics that a noisy session disturbs."""
EXACT = {"size_bytes", "theoretical_bytes"}
"""Metrics that are counted, not sampled."""


def clear_best(
    key: str,
    points: Sequence[Point],
    documents: Mapping[str, TrialDocument],
    kept: Mapping[str, Samples | None],
) -> str | None:
    """The id of the one point that is better in `key` than every other one beyond chance, or None.

    Quality is decided by the paired test on the same examples where `kept` has the predictions of
    both; any other number, and quality without them, by 95 % intervals that do not overlap. Sizes
    are exact; other numbers without an interval, and times of a noisy session, are never best.
    `documents` and `kept` are by trial id.
    """
    values = {point.id: value for point in points if (value := point.value(key)) is not None}
    found = leaders(metric(key), values)
    if len(values) < 2 or len(found) != 1:
        return None
    (best,) = [point for point in points if point.id == found[0]]
    if best.noisy and key.startswith(TIMED):
        return None
    of_quality = documents[best.id].axes.quality == key
    for other in points:
        if other.id == best.id or other.id not in values:
            continue
        tested = _paired(best, other, documents, kept) if of_quality else None
        clear = _significant(tested) if tested else _apart(best, other, key)
        if not clear:
            return None
    return best.id


def _paired(
    best: Point,
    other: Point,
    documents: Mapping[str, TrialDocument],
    kept: Mapping[str, Samples | None],
) -> Paired | None:
    first, second = documents[other.id], documents[best.id]
    if second.is_baseline:  # the comparison that was stored is that with the baseline first
        first, second = second, first
    return pair(first, second, kept.get(first.trial_id), kept.get(second.trial_id)).paired


def _significant(found: Paired) -> bool:
    if found.change:
        return not found.change.low <= 0 <= found.change.high
    return found.mcnemar_p < SIGNIFICANT


def _apart(best: Point, other: Point, key: str) -> bool:
    """Whether two numbers are exact, or have intervals that do not overlap."""
    if key in EXACT:
        return True
    key = "perplexity_change" if key == "perplexity" else key
    if not all(_has_interval(each, key) for each in (best, other)):
        return False
    ours, theirs = best.interval(key) or (0.0, 0.0), other.interval(key) or (0.0, 0.0)
    return ours[1] < theirs[0] or theirs[1] < ours[0]


def _has_interval(point: Point, key: str) -> bool:
    """Whether a number was measured with an interval; a baseline's change is 0 exactly."""
    found = point.values.get(key)
    return key == "perplexity_change" if found is None else found.low is not None
