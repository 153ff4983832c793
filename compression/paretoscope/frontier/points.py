"""Points with their metrics and intervals, objectives, and a point compared with the baseline.

Dominance and the front are `frontier/front.py`'s.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from paretoscope.frontier.normalize import AS_TAKEN, Normalized, Reference
from paretoscope.trials.format import change, p_in_words, size_in_words, speed_in_words
from paretoscope.trials.metrics import METRICS, Metric, metric
from paretoscope.trials.summary import Trial, summary
from paretoscope.trials.trial import Interval, MetricValue

QUALITIES = tuple(key for key, row in METRICS.items() if row.quality)


@dataclass(frozen=True, slots=True)
class Point:
    """The metrics of one model by key."""

    id: str
    values: Mapping[str, MetricValue | None]
    name: str = ""
    """The shown name; the id when empty."""
    quality_p: float | None = None
    """p of McNemar's test against the baseline's accuracy, where there is one."""
    noisy: bool = False
    """Whether its measurement session was noisy."""
    placebo: Interval | None = None
    """Speed-up of the baseline against itself in that session."""
    is_reference: bool = False
    """Whether it is a reference point, not a compressed model."""

    @property
    def quality_key(self) -> str:
        """The metric of its quality."""
        return next((key for key in QUALITIES if self.values.get(key)), QUALITIES[0])

    @property
    def shown_name(self) -> str:
        return self.name or self.id

    def value(self, key: str) -> float | None:
        """A metric in its stored unit; None when it is missing or not a number."""
        found = self.values.get(key)
        return None if found is None or math.isnan(found.value) else found.value

    def cost(self, key: str) -> float:
        """A metric as a number to minimize, for sorting; infinite when it is missing."""
        value = self.value(key)
        return math.inf if value is None else Objective(key).sign * value

    def interval(self, key: str) -> tuple[float, float] | None:
        """(low, high) of a metric; an unknown end is the value itself."""
        found, value = self.values.get(key), self.value(key)
        if found is None or value is None:
            return None
        low, high = (
            value if end is None or math.isnan(end) else end for end in (found.low, found.high)
        )
        return min(low, value), max(high, value)


def point(trial: Trial, reference: Reference = AS_TAKEN, name: str = "") -> Point:
    """The point of a measured trial, called `name`, else by its recipe in words.

    A `reference` normalizes it to other measurement sessions (see `frontier/normalize.py`).
    """
    of = summary(trial)
    return Point(
        of.trial_id,
        Normalized(of, reference),
        name or of.name,
        of.quality_p,
        of.noisy,
        of.placebo and of.placebo.interval(),
        of.is_reference,
    )


@dataclass(frozen=True)
class Objective:
    """A metric to optimize; its direction is in the metric table."""

    key: str

    def __post_init__(self) -> None:
        metric(self.key)

    @property
    def metric(self) -> Metric:
        return metric(self.key)

    @property
    def sign(self) -> int:
        """1 for a metric to minimize, -1 for one to maximize."""
        return 1 if self.metric.better == "lower" else -1


def objectives(*keys: str) -> tuple[Objective, ...]:
    """Objectives by metric key, each once, x first; an unknown key raises `ParetoscopeError`."""
    return tuple(Objective(key) for key in dict.fromkeys(keys))


def clear_loss(point: Point, baseline: Point | None) -> bool | None:
    """Whether `point` is significantly worse in quality than the baseline; None if unknown.

    With a paired comparison: worse with p < .05 (`quality_p`), or more perplexity with an interval
    above 0. Without one: worse, and the 95 % intervals do not overlap.
    """
    if baseline is None:
        return None
    key = baseline.quality_key
    mine, base, sign = point.value(key), baseline.value(key), Objective(key).sign
    if mine is None or base is None:
        return None
    if sign * mine <= sign * base or point.id == baseline.id:
        return False
    if point.quality_p is not None:
        return point.quality_p < 0.05
    if more := point.interval("perplexity_change"):
        return more[0] > 0
    own, other = point.interval(key), baseline.interval(key)
    return (
        own is not None
        and other is not None
        and max(sign * end for end in other) < min(sign * end for end in own)
    )


def surely_lost(point: Point, baseline: Point | None) -> float:
    """The certainty, 0 .. 1, that `point` is worse in quality than the baseline.

    It is 1 - p of the paired comparison; for a change of perplexity, p is that of a normal
    distribution with its interval. 0 for a point that is not worse, 1 without a paired comparison.

    >>> worse = Point("a", {"quality": MetricValue("quality", 0.9)}, quality_p=0.4)
    >>> surely_lost(worse, Point("fp32", {"quality": MetricValue("quality", 0.91)}))
    0.6
    """
    if baseline is None:
        return 1.0
    key = baseline.quality_key
    mine, base, sign = point.value(key), baseline.value(key), Objective(key).sign
    if mine is not None and base is not None and sign * mine <= sign * base:
        return 0.0
    if point.quality_p is not None:
        return 1 - point.quality_p
    more, ends = point.value("perplexity_change"), point.interval("perplexity_change")
    if more is None or ends is None or ends[0] == ends[1]:
        return 1.0
    return math.erf(abs(more) * 2 * 1.96 / (ends[1] - ends[0]) / math.sqrt(2))


def against_baseline(point: Point, baseline: Point) -> str:
    """Quality, speed and size against the baseline, in a line, as far as both have them.

    >>> def at(name, quality, ms):
    ...     values = {"quality": quality, "latency_p50_ms": ms}
    ...     return Point(name, {key: MetricValue(key, value) for key, value in values.items()})
    >>> against_baseline(at("a", 0.948, 2.0), at("fp32", 0.96, 7.8))
    '94.8 % (-1.2 points, a clear loss), 3.90x faster'
    """
    parts: list[str] = []
    key = baseline.quality_key
    quality, base_quality = point.value(key), baseline.value(key)
    if quality is not None and base_quality is not None:
        chance = "" if point.quality_p is None else f"{p_in_words(point.quality_p)}: "
        worse = Objective(key).sign * (quality - base_quality) > 0
        verdict = f", {chance}{_loss_in_words(point, baseline)}" if worse else ""
        named = f" {metric(key).called}" if not metric(key).unit else ""
        parts.append(
            f"{metric(key).format(quality)}{named} ({change(key, quality, base_quality)}{verdict})"
        )
    timed, ends = point.value("speedup"), point.interval("speedup")
    if timed and ends:
        speedup = Interval(value=timed, low=ends[0], high=ends[1])
        parts.append(speed_in_words(speedup, point.placebo) + (" (noisy)" if point.noisy else ""))
    elif faster := _ratio(point, baseline, "latency_p50_ms") or _ratio(point, baseline, "tpot_ms"):
        parts.append(speed_in_words(faster))
    if smaller := _ratio(point, baseline, "size_bytes"):
        parts.append(size_in_words(smaller))
    return ", ".join(parts)


def _loss_in_words(point: Point, baseline: Point) -> str:
    """A loss of perplexity can be significant and yet too small to matter to a reader."""
    if not clear_loss(point, baseline):
        borderline = point.quality_p is not None and point.quality_p < 0.1
        return "borderline, probably a loss" if borderline else "within chance"
    of_prose = point.value("perplexity_change") is not None
    return "a significant loss" if of_prose else "a clear loss"


def _ratio(point: Point, baseline: Point, key: str) -> float | None:
    mine, base = point.value(key), baseline.value(key)
    return base / mine if mine and base else None
