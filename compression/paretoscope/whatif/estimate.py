"""Quality, latency and speed-up to expect of a recipe that has not been run, with intervals.

A recipe becomes features (`whatif/features.py`); the logarithm of a ratio to the baseline is
predicted by kernel regression over the measured recipes (`whatif/ratios.py`). Intervals are 90 %
leave-one-out prediction intervals. Bytes are counted, not estimated (`shape/bytes.py`). Whether a
setting can change size or speed on a machine is in `whatif/advice.py`.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from paretoscope.frontier.normalize import Reference, normalized, reference
from paretoscope.machine import Machine
from paretoscope.shape.apply_recipe import AppliedRecipe
from paretoscope.trials.axes import Axes
from paretoscope.trials.request import Conditions
from paretoscope.trials.trial import Interval, TrialDocument
from paretoscope.whatif.durations import passes
from paretoscope.whatif.ratios import Ratio, RatioEstimator, RatioOf, quality_ratio, speed_ratio

MOST = 250
"""Most documents that are used, newest first, so that an estimate takes milliseconds."""
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
REFERENCE = "reference points are not estimated; measure it, which takes seconds"
NO_BASELINE = "the baseline is not measured here yet, so only ratios to it are estimated"


@dataclass(frozen=True)
class Estimate:
    """Expected numbers with their intervals; a number without an estimate is None, see `reason`.

    `measured` is the id of the trial that measured this recipe; the numbers are then measurements.
    `level` is the coverage of the intervals, `points` the number of different recipes used.
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


@dataclass(frozen=True)
class Under:
    """Where and how a latency is to be expected; None leaves it open.

    `baseline` is the reference of that scope, for callers that pass only the newest of its trials.
    """

    machine: Machine | None = None
    conditions: Conditions | None = None
    baseline: Reference | None = None


def expected(
    points: Sequence[TrialDocument],
    applied: AppliedRecipe,
    *,
    elsewhere: Sequence[TrialDocument] = (),
    task: str | None = None,
    under: Under | None = None,
) -> Estimate:
    """Estimate quality, median latency and speed-up of a recipe applied to a model.

    `points` are the trials of the current scope, the only ones that can be the measurement of the
    recipe or the baseline; trials from `elsewhere` contribute ratios. Trials of this model (and of
    `task`) are used; speed also needs the machine and conditions in `under`. If there are too few,
    or none with the same kind of change, trials of other models with the same metrics are added.
    """

    under = under or Under()

    def is_timed(document: TrialDocument) -> bool:
        return _is_timed(document, under.machine, under.conditions)

    trials = _trials(points, elsewhere, applied.before.name, task)
    shown = [document for document in trials.shown if is_timed(document)]
    recipe_id, baseline = applied.recipe.id, under.baseline or reference(shown)
    measured = next((each for each in reversed(shown) if each.recipe_id == recipe_id), None)
    if measured is not None:
        count = len({document.recipe_id for document in trials.own})
        return _as_measured(measured, count, baseline)
    if applied.recipe.is_reference:
        return Estimate(None, None, None, 0, reason=REFERENCE)
    return _estimate(applied, trials, is_timed, baseline.p50_ms)


# --- the trials -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Trials:
    """Finished trials: `own` of this model, `every` of all models with the same `axes`.

    `shown` are those of this model in the current scope.
    """

    own: list[TrialDocument]
    every: list[TrialDocument]
    shown: list[TrialDocument]
    axes: Axes


def _trials(
    points: Sequence[TrialDocument],
    elsewhere: Sequence[TrialDocument],
    model: str,
    task: str | None,
) -> _Trials:
    def is_own(document: TrialDocument) -> bool:
        return document.model == model and task in (None, document.task)

    here = _usable(points)
    every = [*_usable(elsewhere), *here]
    own = list(filter(is_own, every))[-MOST:]
    axes = own[-1].axes if own else Axes()
    # Ratios of accuracies and of perplexities are not comparable.
    every = [document for document in every if document.axes == axes][-MOST:]
    return _Trials(own, every, list(filter(is_own, here)), axes)


def _usable(documents: Sequence[TrialDocument]) -> list[TrialDocument]:
    return [
        document
        for document in documents
        if document.status == "done"
        and document.quality
        and (document.baseline or document.is_baseline)
    ]


def _is_timed(
    document: TrialDocument, machine: Machine | None, conditions: Conditions | None
) -> bool:
    at = document.latency
    if at is None:
        return False
    if machine is not None and (document.machine is None or document.machine.id != machine.id):
        return False
    if conditions is None:
        return True
    wanted = (conditions.batch, conditions.sequence, conditions.threads)
    return (at.batch, at.sequence, at.threads) == wanted


# --- the numbers ----------------------------------------------------------------------------------


def _estimate(
    applied: AppliedRecipe,
    trials: _Trials,
    is_timed: Callable[[TrialDocument], bool],
    base_p50: float | None,
) -> Estimate:
    estimator = RatioEstimator(applied)
    quality, quality_widened = _ratio(estimator, quality_ratio, trials.own, trials.every)
    timed, every_timed = (list(filter(is_timed, each)) for each in (trials.own, trials.every))
    speed, speed_widened = _ratio(estimator, speed_ratio, timed, every_timed)
    base_quality = _baseline_quality(trials.own)
    unscaled = (quality.interval and base_quality is None) or (speed.interval and base_p50 is None)
    reasons = [
        *([OTHER_MODELS["quality"]] if quality_widened else []),
        *([OTHER_MODELS["speed"]] if speed_widened else []),
        *_missing(quality, speed),
        *([NO_BASELINE] if unscaled else []),
    ]
    trained = any(map(passes, applied.recipe.stages))
    if trials.axes.quality == "perplexity" and quality.interval and not trained:
        quality = quality._replace(interval=_no_better(quality.interval))
    most = 1.0 if trials.axes.quality == "quality" else math.inf
    return Estimate(
        quality=_scaled(base_quality, quality.interval, most),
        latency_p50_ms=_scaled(base_p50, _inverse(speed.interval)),
        speedup=speed.interval,
        points=quality.points,
        level=quality.level or speed.level,
        reason="; ".join(reasons),
        unlike=quality.unlike if quality.interval else speed.unlike,
    )


def _ratio(
    estimator: RatioEstimator,
    ratio: RatioOf,
    own: Sequence[TrialDocument],
    every: Sequence[TrialDocument],
) -> tuple[Ratio, bool]:
    """The ratio from trials of this model, else of all models, and whether it is of all."""
    found = estimator.estimate(own, ratio)
    if found.lacks and (wider := estimator.estimate(every, ratio)).interval:
        return wider, True
    return found, False


def _missing(quality: Ratio, speed: Ratio) -> list[str]:
    """Why there is no estimate of quality, of speed, or of either."""
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
