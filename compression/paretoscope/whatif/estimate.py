"""What-if: what a recipe would probably give, from what was measured of others, always with an
interval or a reason why not.

The model is small and open to inspection: a recipe becomes a dozen numbers (`features`), and the
logarithm of a ratio to the baseline (quality, speed) is smoothed over the measured recipes
(`whatif/regression.py`). How wrong that is shows in leaving each measured recipe out in turn; the
interval covers 90 % of such errors. Bytes need no estimate: see `shape/bytes.py`. The words for
"can this be faster here at all?" are in `whatif/advice.py`.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from paretoscope.errors import ModelError, RecipeError
from paretoscope.frontier.normalize import Reference, normalized, reference
from paretoscope.machine import Machine
from paretoscope.recipes.recipe import Recipe
from paretoscope.recipes.stages import Distill, PruneStructure, PruneWeights, Quantize
from paretoscope.recipes.stages.methods import ROUNDINGS, WEIGHT_SCORES
from paretoscope.shape.apply_recipe import after
from paretoscope.shape.bytes import expected_bytes
from paretoscope.shape.shape import ModelShape
from paretoscope.trials.axes import Axes
from paretoscope.trials.format import listed
from paretoscope.trials.trial import Conditions, Interval, TrialDocument
from paretoscope.whatif.durations import passes
from paretoscope.whatif.regression import Array, predict

FEWEST = 6
"""Different measured recipes below which nothing is estimated: an interval from fewer would say
nothing.
"""
KNOWLEDGE = {"weights": 0.0, "inputs": 0.5, "gradients": 0.5, "training": 0.5}
"""How far apart ways to choose weights are held, by what they look at; one that also updates the
others is 1 further away.
"""
NEW_GROUND = {
    "layers": "fewer layers",
    "heads": "fewer heads",
    "ffn": "fewer neurons",
    "hidden": "a narrower hidden state",
    "vocabulary": "a smaller vocabulary",
    "zeros": "single weights pruned",
    "below 4 bits": "fewer than 4 bits",
    "int8-dynamic": "int8 dynamic",
    "int8-static": "int8 static",
    "weight-only": "weights only quantized",
}
"""What some of the `features` are where they are not 0. Of what no measured recipe did to any
degree, the others say nothing.
"""
MOST = 250
"""Newest documents that are used, so that an estimate keeps up with a slider."""


@dataclass(frozen=True)
class Estimate:
    """Expected numbers with their intervals; one that cannot be had is None and `reason` says why.

    `measured` is the id of the trial that measured this very recipe: then the numbers are that
    measurement's. `level` is the share of left-out recipes that the intervals covered; `points` how
    many different recipes they come from.
    """

    quality: Interval | None
    latency_p50_ms: Interval | None
    speedup: Interval | None
    points: int
    level: float | None = None
    measured: str | None = None
    reason: str = ""
    unlike: bool = False
    """Whether the recipe is further from every measured one than those are from each other: then an
    estimate is a guess.
    """


def expected(
    points: Sequence[TrialDocument],
    recipe: Recipe,
    facts: ModelShape,
    *,
    elsewhere: Sequence[TrialDocument] = (),
    task: str | None = None,
    machine: Machine | None = None,
    conditions: Conditions | None = None,
) -> Estimate:
    """Quality, median latency and speed-up to expect of `recipe` on the model that `facts` are of.

    `points` are the measured trials beside which it is shown; only they can be the measurement
    itself or the baseline. Those of `elsewhere` add to what is known of ratios to a baseline. Of
    both, those of this model (`facts.name`, and `task` when given) count. Speed comes only from
    trials under the same conditions and, when `machine` is given, on that machine. When fewer than
    six recipes are left, or none that does to any degree what this one does (`NEW_GROUND`), those
    of other models join in, for what counts are ratios to each one's own baseline. Raises
    `RecipeError` for a recipe that does not fit the model.
    """
    wanted = features(facts, recipe)
    more, here = (
        [d for d in side if d.status == "done" and d.quality and (d.baseline or d.is_baseline)]
        for side in (elsewhere, points)
    )
    done = [*more, *here]
    own = [d for d in done if _is_of(d, facts, task)][-MOST:]
    of = own[-1].axes if own else Axes()
    done = [d for d in done if d.axes == of][
        -MOST:
    ]  # an accuracy says nothing of a perplexity, nor a request of a token
    own_timed = [d for d in own if _fits(d, machine, conditions)]
    beside = [d for d in here if _is_of(d, facts, task) and _fits(d, machine, conditions)]
    already = next((d for d in reversed(beside) if d.recipe_id == recipe.id), None)
    if already is not None:
        return _as_measured(already, len({d.recipe_id for d in own}), reference(beside))
    reasons: list[str] = []
    quality, speed = (
        _from_ratios(own, facts, wanted, _quality_ratio),
        _from_ratios(own_timed, facts, wanted, _speed_ratio),
    )
    if quality.lacks and (wider := _from_ratios(done, facts, wanted, _quality_ratio)).interval:
        quality = wider
        reasons.append(
            "few recipes like it are measured of this model, so quality also counts other models"
        )
    if (
        speed.lacks
        and (
            wider := _from_ratios(
                [d for d in done if _fits(d, machine, conditions)], facts, wanted, _speed_ratio
            )
        ).interval
    ):
        speed = wider
        reasons.append(
            "few recipes like it are timed of this model under these conditions, so speed also"
            " counts other models"
        )
    if quality.lacks and quality.lacks == speed.lacks:
        reasons.append(f"an estimate of quality and of speed {quality.lacks}")
    else:
        reasons += [
            f"an estimate of {what} {found.lacks}"
            for what, found in (("quality", quality), ("speed", speed))
            if found.lacks
        ]
    base_quality, base_p50 = _baseline_quality(own), reference(beside).p50_ms
    if (quality.interval and base_quality is None) or (speed.interval and base_p50 is None):
        reasons.append("the baseline is not measured here yet, so only ratios to it are known")
    if of.quality == "perplexity" and quality.interval and not any(map(passes, recipe.stages)):
        quality = quality._replace(interval=_no_better(quality.interval))
    pace = (
        None
        if speed.interval is None
        else Interval(
            value=1 / speed.interval.value, low=1 / speed.interval.high, high=1 / speed.interval.low
        )
    )
    return Estimate(
        quality=_scaled(
            base_quality, quality.interval, most=1.0 if of.quality == "quality" else math.inf
        ),
        latency_p50_ms=_scaled(base_p50, pace),
        speedup=speed.interval,
        points=quality.points,
        level=quality.level or speed.level,
        reason="; ".join(reasons),
        unlike=quality.unlike if quality.interval else speed.unlike,
    )


def features(facts: ModelShape, recipe: Recipe) -> dict[str, float]:
    """A recipe as numbers of about unit scale, for one model, by name; equal steps in them matter
    about equally.

    Shape: log2 of the share of layers, heads, neurons, hidden width and of encoder weights that
    stay, half of that of words, and whether data chose what goes. Training: whether distilled, with
    a teacher, whether with its inner states, epochs; and once more the shape, where no training
    follows, for that is another thing. Zeros: half the bits that a sparsity is worth, how much the
    method looks at, whether ranked globally or N:M. Bits: log2 of those of encoder and embedding,
    which scheme, group size, whether rounding or the choice of widths looks at data, whether zero
    points are real.
    """
    left = after(facts, recipe)
    distilled = [stage for stage in recipe.stages if isinstance(stage, Distill)]
    cuts = [stage for stage in recipe.stages if isinstance(stage, PruneStructure)]
    taught = [stage.soft_weight for stage in distilled]
    taught += [
        stage.distill_weight
        for stage in recipe.stages
        if isinstance(stage, PruneStructure | PruneWeights) and stage.retrain_epochs
    ]
    epochs = sum(passes(stage) for stage in recipe.stages)
    zeros = [stage for stage in recipe.stages if isinstance(stage, PruneWeights)]
    kept = min((1 - stage.target_sparsity for stage in zeros), default=1.0)
    stage = next((stage for stage in recipe.stages if isinstance(stage, Quantize)), None)
    grouped = stage if stage and stage.scheme == "weight-only" else None
    bits, words = (stage.bits, stage.embedding_bits) if stage else (32, 32)
    if stage and stage.max_mb is not None:
        bits = words = min(
            8.0, max(2.0, expected_bytes(facts, recipe).weights_bytes * 8 / left.parameters)
        )
    shares = {
        width: getattr(left, width) / getattr(facts, width)
        for width in ("layers", "heads", "ffn", "hidden", "encoder_parameters")
    }
    return {
        **{width: math.log2(share) for width, share in shares.items()},
        "vocabulary": math.log2(left.vocabulary / facts.vocabulary) / 2,
        "cut by data": (
            float(any(cut.criterion != "magnitude" or cut.allocation == "global" for cut in cuts))
            / 2
        ),
        "distilled": float(bool(distilled)),
        "taught": max(taught, default=0.0),
        "inner states": float(any(student.imitates for student in distilled)) / 2,
        "epochs": math.log2(1 + epochs) / 2,
        "untrained": 0.0 if epochs else math.log2(shares["encoder_parameters"]),
        "zeros": -1.5 * math.log2(kept),
        "zeros by data": max(
            (
                KNOWLEDGE[WEIGHT_SCORES[z.method].needs] + WEIGHT_SCORES[z.method].updates
                for z in zeros
            ),
            default=0.0,
        ),
        "global zeros": float(any(z.scope == "global" for z in zeros)) / 2,
        "N:M": float(any(z.n_of_m for z in zeros)) / 2,
        # From 4 bits down every bit costs more than the one before.
        "bits": (5 - math.log2(bits)) / 2,
        "below 4 bits": max(0.0, 4 - bits),
        "embedding bits": (5 - math.log2(words)) / 4,
        **{
            name: float(stage is not None and stage.scheme == name)
            for name in ("int8-dynamic", "int8-static", "weight-only")
        },
        "group size": math.log2(grouped.group_size / 32) / 4 if grouped else 0.0,
        "rounded by data": (
            float(grouped is not None and ROUNDINGS[grouped.rounding].needs_data) / 4
        ),
        "widths by data": float(grouped is not None and grouped.allocation == "sensitivity") / 4,
        # What 8 bits lose does not hang on where their levels begin.
        "real zero points": (
            (8 - bits) / 4 if grouped is not None and grouped.zero_point == "real" else 0.0
        ),
    }


# --- ratios to the baseline -----------------------------------------------------------------------


class _Ratio(NamedTuple):
    """A ratio to the baseline with its interval; None from fewer than `FEWEST` different recipes or
    where none of them has been: then `lacks` says what it would need. `points` is how many there
    were."""

    interval: Interval | None
    level: float | None
    points: int
    unlike: bool = False
    lacks: str = ""


def _is_of(document: TrialDocument, facts: ModelShape, task: str | None) -> bool:
    return document.model == facts.name and task in (None, document.task)


def _fits(document: TrialDocument, machine: Machine | None, conditions: Conditions | None) -> bool:
    at = document.latency
    if at is None or (
        machine is not None and (document.machine is None or document.machine.id != machine.id)
    ):
        return False
    return conditions is None or (at.batch, at.sequence, at.threads) == (
        conditions.batch,
        conditions.sequence,
        conditions.threads,
    )


def _quality_ratio(document: TrialDocument) -> float | None:
    base, own = document.baseline, document.quality
    return own.value / base.quality.value if base and own and base.quality.value else None


def _speed_ratio(document: TrialDocument) -> float | None:
    return document.speedup.value if document.speedup else None


def _from_ratios(
    documents: Sequence[TrialDocument],
    facts: ModelShape,
    wanted: Mapping[str, float],
    ratio: Callable[[TrialDocument], float | None],
) -> _Ratio:
    """The ratio to expect, from every different recipe that fits this model; repeats are averaged,
    the baseline is known.
    """
    gathered: dict[str, tuple[dict[str, float], list[float]]] = {}
    for document in documents:
        value = None if document.is_baseline else ratio(document)
        if value is None or value <= 0:
            continue
        if document.recipe_id not in gathered:
            try:
                gathered[document.recipe_id] = features(facts, document.recipe), []
            except (
                ModelError,
                RecipeError,
            ):  # a recipe of another model, with a student of more layers than this one has
                continue
        gathered[document.recipe_id][1].append(math.log(value))
    if len(gathered) < FEWEST:
        return _Ratio(
            None,
            None,
            len(gathered),
            lacks=f"needs {FEWEST} measured recipes and has {len(gathered)}",
        )
    if untried := [
        words
        for name, words in NEW_GROUND.items()
        if wanted[name] and not any(row[name] for row, _ in gathered.values())
    ]:
        return _Ratio(
            None,
            None,
            len(gathered),
            lacks=f"needs a measured recipe with {listed(untried)} and has none",
        )
    x, at = (
        np.array([list(row.values()) for row, _ in gathered.values()]),
        np.array(list(wanted.values())),
    )
    y = np.array([statistics.fmean(logs) for _, logs in gathered.values()])
    found = predict(x, y, at)
    low, middle, high = (math.exp(found.value + part * found.half) for part in (-1, 0, 1))
    return _Ratio(
        Interval(value=middle, low=low, high=high), found.level, len(gathered), _unlike(x, at)
    )


def _unlike(x: Array, at: Array) -> bool:
    """Whether `at` [d] is further from the points `x` [n, d] and from the baseline, the origin,
    than any of them from the rest.

    >>> x = np.array([[1.0, 0.0], [2.0, 0.0], [3.0, 0.0]])
    >>> _unlike(x, np.array([2.5, 0.0])), _unlike(x, np.array([2.0, 3.0]))
    (False, True)
    """
    rows = np.vstack([np.zeros_like(at), x])
    between = np.linalg.norm(rows[:, None] - rows[None], axis=2)
    np.fill_diagonal(between, np.inf)
    return bool(np.linalg.norm(rows - at, axis=1).min() > between.min(axis=1).max() + 1e-9)


def _baseline_quality(documents: Sequence[TrialDocument]) -> float | None:
    found = [(d.baseline or d).quality for d in documents]
    values = [quality.value for quality in found if quality]
    return statistics.median(values) if values else None


def _no_better(ratio: Interval) -> Interval:
    """A ratio of perplexities that rounding and cutting alone can bring about: a model does not
    write better for what it lost.

    >>> _no_better(Interval(value=0.99, low=0.9, high=1.08))
    Interval(value=1.0, low=1.0, high=1.08)
    """
    return Interval(value=max(1.0, ratio.value), low=max(1.0, ratio.low), high=max(1.0, ratio.high))


def _scaled(base: float | None, ratio: Interval | None, most: float = math.inf) -> Interval | None:
    if base is None or ratio is None:
        return None
    low, value, high = (min(most, base * part) for part in (ratio.low, ratio.value, ratio.high))
    return Interval(value=value, low=low, high=high)


def _as_measured(document: TrialDocument, points: int, reference: Reference) -> Estimate:
    """The measurement itself, its time on the footing of the curves; the baseline is as fast as
    itself.
    """
    quality = document.quality
    assert quality is not None, "only trials with a quality are asked for"
    at = next(
        number for number in normalized(document, reference) if number.metric == document.axes.time
    )
    return Estimate(
        quality=Interval(value=quality.value, low=quality.low, high=quality.high),
        latency_p50_ms=Interval(value=at.value, low=at.low or at.value, high=at.high or at.value),
        speedup=document.speedup
        or (Interval(value=1.0, low=1.0, high=1.0) if document.is_baseline else None),
        points=points,
        measured=document.trial_id,
    )
