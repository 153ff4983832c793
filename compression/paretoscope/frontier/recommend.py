"""The recommended model under the limits, with the reason and the runner-up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from paretoscope.frontier import pareto
from paretoscope.frontier.columns import Array, Points
from paretoscope.frontier.front import front
from paretoscope.frontier.limits import Limit, Relaxation, judged_by
from paretoscope.frontier.points import (
    Objective,
    Point,
    against_baseline,
    clear_loss,
    surely_lost,
)
from paretoscope.trials.format import listed, what_is_lost
from paretoscope.trials.metrics import METRICS

TIMED = {
    "speedup",
    "ttft_speedup",
    "tokens_per_s",
    *(key for key, row in METRICS.items() if row.ratio and "faster" in row.ratio),
}
"""Metrics that a noisy session does not measure well enough to rank models by them."""
QUALITY_METRICS = tuple(key for key, row in METRICS.items() if row.quality or row.fidelity)
NOT_MEASURED = "No model has been measured in all of these metrics yet."
ONLY_ONE = "It is the only model within the limits."
BASELINE_IS_BEST = "No model within the limits improves on the baseline."


@dataclass(frozen=True)
class Recommendation:
    """The recommended point, or why there is none.

    When there are points, exactly one of `best` and `too_tight` is filled.
    """

    best: str | None
    runner_up: str | None
    why: str
    """One sentence: why this point, or why none."""
    feasible: tuple[str, ...]
    slack: Mapping[Limit, float]
    """The room of the best point under each limit, in stored units."""
    nearest_limit: Limit | None = None
    too_tight: tuple[Relaxation, ...] = ()
    """The fewest and smallest relaxations that make `closest` feasible."""
    closest: str | None = None
    figures: str = ""
    """The name of the best point and its figures against the baseline."""

    @property
    def reason(self) -> str:
        """Figures and why, in one or two sentences."""
        return f"{self.figures}. {self.why}" if self.figures else self.why


def answer(found: Recommendation, objectives: Sequence[Objective], limits: Sequence[Limit]) -> str:
    """The recommendation as a sentence, with its objectives and limits."""
    text = f"take {found.reason}" if found.best else f"{found.reason[0].lower()}{found.reason[1:]}"
    return f"{judged_by(objectives, limits)}: {text}"


def recommend(
    points: Sequence[Point],
    constraints: Sequence[Limit],
    objectives: Sequence[Objective],
    baseline: Point | None = None,
) -> Recommendation:
    """The point to take under the limits.

    The candidates are the Pareto front of the feasible points. Points without a clear loss of
    quality against the baseline (`clear_loss`) are preferred when quality is an objective. Among
    these the best compromise is taken: each objective is scaled to 0 (best) .. 1 (worst), a loss
    of quality is weighted by its certainty (`surely_lost`), quality has the weight of all other
    objectives together, and the smallest sum wins. With two objectives and certain losses this is
    the knee. A point of a noisy session is no candidate where a time is an objective. A reference
    point is none; one that dominates the recommended point is named.
    Ties go to the better quality, then to the smaller id. Raises `ParetoscopeError` when
    a `MaxDrop` has no baseline.
    """
    every = Points.of(points)
    measured = every.where(every.measured(objectives))
    known = measured.where(np.array([not each.is_reference for each in measured], bool))
    limits = tuple(dict.fromkeys(constraints))
    if not len(known):
        return Recommendation(None, None, NOT_MEASURED, (), {})
    rooms = {limit: limit.rooms(known, baseline) for limit in limits}
    complete, feasible = np.ones(len(known), bool), np.ones(len(known), bool)
    for limit in limits:
        complete &= ~np.isnan(known.values(limit.metric))
        feasible &= rooms[limit] >= 0
    scale = {limit: _scale(limit, rooms[limit]) for limit in limits}
    if not complete.any():
        return Recommendation(None, None, NOT_MEASURED, (), {})
    if not feasible.any():
        rooms = {limit: room[complete] for limit, room in rooms.items()}
        return _none_feasible(known.where(complete), rooms, scale)
    within = known.where(feasible)
    candidates = _quiet(within, objectives)
    ranked = _ranked(candidates, objectives, baseline)
    best, second = ranked[0], _second(ranked, candidates, objectives, baseline)
    at = known.ids.index(best.id)
    slack = {limit: float(rooms[limit][at]) for limit in limits}
    return Recommendation(
        best.id,
        second.id if second else None,
        _why(ranked, len(candidates), objectives, baseline)
        + _unranked(len(within) - len(candidates))
        + _better_references(best, measured, objectives),
        within.ids,
        slack,
        min(slack, key=lambda limit: slack[limit] / scale[limit]) if slack else None,
        figures=_figures(best, baseline),
    )


def _quiet(within: Points, objectives: Sequence[Objective]) -> Points:
    """Without points of noisy sessions where an objective is a time; all where none is left."""
    if not any(objective.key in TIMED for objective in objectives):
        return within
    quiet = np.array([not each.noisy for each in within], bool)
    return within.where(quiet) if quiet.any() else within


def _unranked(count: int) -> str:
    """A sentence about models of noisy sessions, "" without any."""
    if not count:
        return ""
    models, are = (
        ("1 model of a noisy session", "is")
        if count == 1
        else (
            f"{count} models of noisy sessions",
            "are",
        )
    )
    return f" {models} {are} not ranked; measure again."


def _ranked(
    feasible: Points, objectives: Sequence[Objective], baseline: Point | None
) -> list[Point]:
    """The front of the feasible points, the recommended one first."""
    found = front(feasible, objectives)
    vectors = [
        tuple(o.sign * (found.points[key].value(o.key) or 0.0) for o in objectives)
        for key in found.on_front
    ]
    costs = dict(zip(found.on_front, pareto.normalised(vectors), strict=True))

    def standing(p: Point) -> tuple[bool, float, float, str]:
        parts = dict(zip((o.key for o in objectives), costs[p.id], strict=True))
        judged = _judged(objectives)
        lost = clear_loss(p, baseline) if judged else None
        if judged:
            parts[judged.key] *= surely_lost(p, baseline)
        quality = [cost for key, cost in parts.items() if key in QUALITY_METRICS]
        others = [cost for key, cost in parts.items() if key not in QUALITY_METRICS]
        score = sum(sum(group) / len(group) for group in (quality, others) if group)
        is_baseline = baseline is not None and p.id == baseline.id
        return (lost is not False or is_baseline, round(score, 12), p.cost(p.quality_key), p.id)

    return sorted((found.points[point_id] for point_id in found.on_front), key=standing)


def _judged(objectives: Sequence[Objective]) -> Objective | None:
    """The objective that measures quality, if there is one."""
    return next((objective for objective in objectives if objective.metric.quality), None)


def _second(
    ranked: Sequence[Point],
    feasible: Points,
    objectives: Sequence[Objective],
    baseline: Point | None,
) -> Point | None:
    """The second point of the front; when the front is one point, the best of the others."""
    if len(ranked) > 1:
        return ranked[1]
    rest = feasible.where(np.array([p.id != ranked[0].id for p in feasible]))
    return _ranked(rest, objectives, baseline)[0] if len(rest) else None


def _scale(limit: Limit, rooms: Array) -> float:
    """The range of the room under a limit, which makes bytes and milliseconds comparable."""
    finite = rooms[np.isfinite(rooms)]
    span = float(finite.max() - finite.min()) if len(finite) else 0.0
    return span or abs(limit.bound) or 1.0


def _none_feasible(
    points: Points, rooms: Mapping[Limit, Array], scale: Mapping[Limit, float]
) -> Recommendation:
    """The relaxations for the point that violates the fewest limits by the least."""
    count, distance = np.zeros(len(points), int), np.zeros(len(points))
    for limit, room in rooms.items():
        count += room < 0
        distance[room < 0] += -room[room < 0] / scale[limit]
    fewest = count == count.min()
    least = np.flatnonzero(fewest & (distance == distance[fewest].min()))
    closest, at = min(((points[at], at) for at in least.tolist()), key=lambda each: each[0].id)
    slack = {limit: float(room[at]) for limit, room in rooms.items()}
    relaxations = tuple(
        Relaxation(limit, limit.needed(room), -room) for limit, room in slack.items() if room < 0
    )
    too_tight = "; ".join(relaxation.in_words() for relaxation in relaxations)
    reason = f"No model meets every limit. {closest.shown_name} comes closest: {too_tight}."
    return Recommendation(None, None, reason, (), slack, None, relaxations, closest.id)


def _figures(best: Point, baseline: Point | None) -> str:
    """Name, and quality, speed and size against the baseline."""
    if baseline is None or best.id == baseline.id:
        return best.shown_name
    return f"{best.shown_name}: {against_baseline(best, baseline)}"


def _why(
    ranked: Sequence[Point], feasible: int, objectives: Sequence[Objective], baseline: Point | None
) -> str:
    """Why the first of `ranked` is recommended."""
    best, count = ranked[0], len(ranked)
    if feasible == 1:
        return ONLY_ONE
    if count == 1:
        return f"It dominates the other {feasible - 1} models within the limits."
    if baseline is not None and best.id == baseline.id:
        return BASELINE_IS_BEST
    compromise = f"this is {_best_of(objectives)}"
    quality = _judged(objectives) if baseline is not None else None
    if quality is None:
        return f"{count} models are on the front within the limits; {compromise}."
    lost = what_is_lost(quality.key)
    if clear_loss(best, baseline) is not False:
        return (
            f"Every smaller or faster model within the limits loses {lost} significantly;"
            f" {compromise} among {count} on the front."
        )
    clear = [p for p in ranked if clear_loss(p, baseline) is False and p.id != _id(baseline)]
    if len(clear) == 1:
        return (
            f"Of {count} models on the front within the limits, it is the only compressed one"
            f" without a clear loss of {lost}."
        )
    losing = sum(clear_loss(p, baseline) is True for p in ranked)
    among = "of the others " if losing else ""
    return (
        f"{count} models are on the front within the limits, {losing or 'none'} of them with a"
        f" clear loss of {lost}; {among}{compromise}."
    )


def _better_references(
    best: Point, measured: Sequence[Point], objectives: Sequence[Objective]
) -> str:
    """A sentence that names the reference points that dominate the recommended point, or ""."""
    found = front(
        [best, *(p for p in measured if p.is_reference)], objectives, with_references=True
    )
    if not (names := [found.points[key].shown_name for key in found.dominators(best.id)]):
        return ""
    one = len(names) == 1
    return (
        f" The reference point{'' if one else 's'} {listed(names)}"
        f" {'dominates' if one else 'dominate'} it, so a transformer may not be needed."
    )


def _best_of(objectives: Sequence[Objective]) -> str:
    """ "the best compromise of accuracy and size"; "the best" of quality metrics."""
    if all(objective.key in QUALITY_METRICS for objective in objectives):
        return "the best"
    return f"the best compromise of {listed([o.metric.label.lower() for o in objectives])}"


def _id(point: Point | None) -> str | None:
    return point.id if point else None
