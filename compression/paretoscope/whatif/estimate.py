"""Quality, latency and speed-up to expect of a recipe that has not been run, with intervals.

A recipe becomes features (`whatif/features.py`); the logarithm of a ratio to the baseline is
predicted by kernel regression over the measured recipes (`whatif/ratios.py`). Intervals are 90 %
leave-one-out prediction intervals. Bytes are counted, not estimated (`shape/bytes.py`). Whether a
setting can change size or speed on a machine is in `whatif/advice.py`.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from paretoscope.frontier.normalize import Reference, normalized, reference
from paretoscope.machine import Machine
from paretoscope.shape.apply_recipe import AppliedRecipe
from paretoscope.trials.request import Conditions
from paretoscope.trials.trial import Interval, TrialDocument
from paretoscope.whatif.comparable import About, apart, is_timed, select
from paretoscope.whatif.durations import passes
from paretoscope.whatif.features import features
from paretoscope.whatif.ratios import (
    Features,
    Ratio,
    RatioEstimator,
    quality_ratio,
    speed_ratio,
)

OTHER_MODELS = {
    "quality": (
        "too few similar recipes are measured for this model, so the quality estimate also uses"
        " other models"
    ),
    "speed": (
        "too few similar recipes are timed for this model under these conditions, so the speed"
        " estimate also uses other models"
    ),
}
NO_BASELINE = "the baseline is not measured here yet, so only ratios to it are estimated"


@dataclass(frozen=True)
class Estimate:
    """Expected numbers with their intervals; a number without an estimate is None, see `reason`.

    `measured` is the id of the trial that measured this recipe; the numbers are then measurements.
    `level` is the coverage of the intervals, `points` the number of different recipes used.
    `quality_ratio` is the quality over that of the baseline.
    """

    quality: Interval | None
    latency_p50_ms: Interval | None
    speedup: Interval | None
    points: int
    level: float | None = None
    measured: str | None = None
    reason: str = ""
    unlike: bool = False
    """Whether the recipe is farther from the measured ones than these are from each other."""
    quality_ratio: Interval | None = None
    timed_elsewhere: bool = False
    """Whether the speed-up is based on another machine or on other conditions."""


def expected(
    points: Sequence[TrialDocument],
    applied: AppliedRecipe,
    *,
    elsewhere: Sequence[TrialDocument] = (),
    task: str | None = None,
    machine: Machine | None = None,
    conditions: Conditions | None = None,
) -> Estimate:
    """One estimate of an `Estimator` with these trials."""
    about = About(applied.before, task, machine, conditions)
    return Estimator(about, points, elsewhere).expected(applied)


class Estimator:
    """Estimates quality, median latency and speed-up of recipes applied to one model.

    `points` are the trials of the current scope, the only ones that can be the measurement of a
    recipe or the baseline; trials from `elsewhere` contribute ratios. Trials of this model (and of
    its task) come first, then those of other models with the same metrics. Speed comes from the
    same machine and conditions, else from others with a wider interval. What is fitted is kept.
    """

    def __init__(
        self,
        about: About,
        points: Sequence[TrialDocument],
        elsewhere: Sequence[TrialDocument] = (),
    ) -> None:
        self._about = about
        self._trials = select(about, points, elsewhere)
        self._features = Features(about.shape)
        self._shown = list(filter(self._is_timed, self._trials.shown))
        self._reference = reference(self._shown)

    def expected(self, applied: AppliedRecipe) -> Estimate:
        """The measurement of a recipe if there is one, else its estimate."""
        wanted = applied.recipe.id
        measured = next((each for each in reversed(self._shown) if each.recipe_id == wanted), None)
        if measured is not None:
            count = len({document.recipe_id for document in self._trials.own})
            return _as_measured(measured, count, self._reference)
        return self._estimate(applied)

    def _is_timed(self, document: TrialDocument) -> bool:
        return is_timed(document, self._about)

    @cached_property
    def _quality(self) -> list[_Source]:
        own, every = self._trials.own, self._trials.every
        sources = ((own, ""), (every, OTHER_MODELS["quality"]))
        return [
            _Source(RatioEstimator(self._features, documents, quality_ratio), note)
            for documents, note in sources
        ]

    @cached_property
    def _speed(self) -> list[_Source]:
        """Of this machine first: this model, other models; then the same of every machine."""
        found: list[_Source] = []
        for elsewhere in (False, True):
            for documents, note in (
                (self._trials.own, ""),
                (self._trials.every, OTHER_MODELS["speed"]),
            ):
                used = [each for each in documents if each.latency]
                used = used if elsewhere else list(filter(self._is_timed, used))
                widen = max((apart(each, self._about) for each in used), default=1.0)
                estimator = RatioEstimator(self._features, used, speed_ratio, widen)
                found.append(_Source(estimator, note, elsewhere and widen > 1))
        return found

    def _estimate(self, applied: AppliedRecipe) -> Estimate:
        wanted = features(applied)
        quality, quality_source = _ratio(self._quality, wanted)
        speed, speed_source = _ratio(self._speed, wanted)
        trained = any(map(passes, applied.recipe.stages))
        if self._trials.axes.quality == "perplexity" and quality.interval and not trained:
            quality = quality._replace(interval=_no_better(quality.interval))
        base_quality, base_p50 = _baseline_quality(self._trials.own), self._reference.p50_ms
        unscaled = (quality.interval and base_quality is None) or (
            speed.interval and base_p50 is None
        )
        reasons = [quality_source.note, speed_source.note, *_missing(quality, speed)]
        most = 1.0 if self._trials.axes.quality == "quality" else math.inf
        return Estimate(
            quality=_scaled(base_quality, quality.interval, most),
            latency_p50_ms=_scaled(base_p50, _inverse(speed.interval)),
            speedup=speed.interval,
            points=quality.points,
            level=quality.level or speed.level,
            reason="; ".join(filter(None, [*reasons, NO_BASELINE if unscaled else ""])),
            unlike=quality.unlike if quality.interval else speed.unlike,
            quality_ratio=quality.interval,
            timed_elsewhere=speed_source.elsewhere,
        )


class _Source(NamedTuple):
    """Measured recipes that a ratio can be estimated from, the nearest to the scope first.

    `note` is what a reader has to know of them.
    """

    estimator: RatioEstimator
    note: str
    elsewhere: bool = False


def _ratio(sources: Sequence[_Source], wanted: Mapping[str, float]) -> tuple[Ratio, _Source]:
    """The ratio from the first source with similar recipes, else the first with enough recipes."""
    similar = (each for each in sources if not each.estimator.lacks(wanted))
    enough = (each for each in sources if each.estimator.enough)
    chosen = next(similar, None) or next(enough, None)
    if chosen is None:
        return sources[0].estimator.estimate(wanted), _Source(sources[0].estimator, "")
    return chosen.estimator.estimate(wanted), chosen


def _missing(quality: Ratio, speed: Ratio) -> list[str]:
    """Why there is no estimate of quality, of speed, or of either, or only an extrapolation."""
    if quality.lacks and quality.lacks == speed.lacks:
        return [f"an estimate of quality and speed {quality.lacks}"]
    return [
        f"an estimate of {what} {ratio.lacks}"
        for what, ratio in (("quality", quality), ("speed", speed))
        if ratio.lacks
    ]


def _baseline_quality(documents: Sequence[TrialDocument]) -> float | None:
    found = [(document.baseline or document).quality for document in documents]
    values = [quality.value for quality in found if quality]
    return statistics.median(values) if values else None


def _no_better(ratio: Interval) -> Interval:
    """A ratio of perplexities after compression without training: never below 1.

    >>> _no_better(Interval(value=0.99, low=0.9, high=1.08))
    Interval(value=1.0, low=1.0, high=1.08)
    """
    return Interval(value=max(1.0, ratio.value), low=max(1.0, ratio.low), high=max(1.0, ratio.high))


def _inverse(ratio: Interval | None) -> Interval | None:
    if ratio is None:
        return None
    return Interval(value=1 / ratio.value, low=1 / ratio.high, high=1 / ratio.low)


def _scaled(base: float | None, ratio: Interval | None, most: float = math.inf) -> Interval | None:
    if base is None or ratio is None:
        return None
    low, value, high = (min(most, base * part) for part in (ratio.low, ratio.value, ratio.high))
    return Interval(value=value, low=low, high=high)


def _as_measured(document: TrialDocument, points: int, baseline: Reference) -> Estimate:
    """The measurement with normalized latency; the speed-up of the baseline is 1."""
    quality = document.quality
    assert quality is not None, "only trials with a quality are used"
    time = document.axes.time
    at = next(each for each in normalized(document, baseline) if each.metric == time)
    unchanged = Interval(value=1.0, low=1.0, high=1.0) if document.is_baseline else None
    return Estimate(
        quality=Interval(value=quality.value, low=quality.low, high=quality.high),
        latency_p50_ms=Interval(value=at.value, low=at.low or at.value, high=at.high or at.value),
        speedup=document.speedup or unchanged,
        points=points,
        measured=document.trial_id,
    )
