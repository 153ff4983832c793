"""The best model under the limits, with the reason and the runner-up."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from paretoscope.frontier import pareto
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

QUALITY_METRICS = tuple(key for key, row in METRICS.items() if row.quality or row.fidelity)


@dataclass(frozen=True)
class Recommendation:
    """Which point to take, or why none: exactly one of `best` and `too_tight` is filled when there
    are points.
    """

    best: str | None
    runner_up: str | None
    why: str
    """In a sentence what it won, or why there is none."""
    feasible: tuple[str, ...]
    slack: Mapping[Limit, float]
    """Of the best point, per limit, in the stored unit."""
    nearest_limit: Limit | None = None
    too_tight: tuple[Relaxation, ...] = ()
    """The fewest limits, and the least of each, that must give way for `closest` to be let in."""
    closest: str | None = None
    figures: str = ""
    """The name of the best point and what it is beside the baseline."""

    @property
    def reason(self) -> str:
        """Figures and why, one or two sentences for a person."""
        return f"{self.figures}. {self.why}" if self.figures else self.why


def answer(found: Recommendation, objectives: Sequence[Objective], limits: Sequence[Limit]) -> str:
    """The recommendation in full: by what it judges, then what to take and why, or why nothing."""
    said = f"take {found.reason}" if found.best else f"{found.reason[0].lower()}{found.reason[1:]}"
    return f"{judged_by(objectives, limits)}: {said}"


def recommend(
    points: Sequence[Point],
    constraints: Sequence[Limit],
    objectives: Sequence[Objective],
    baseline: Point | None = None,
) -> Recommendation:
    """The point to take under the limits.

    The rule. Of the points within every limit, take the front for `objectives`. Points without a
    clear loss of quality against the baseline (`clear_loss`) go first when quality is an objective.
    Within the same standing the best compromise wins: each objective is stretched to 0 (best of
    these) .. 1 (worst), a loss counts for as much as it is sure (`surely_lost`), quality weighs as
    much as all other objectives together, and the smallest sum is taken (with two objectives and
    sure losses that is the point furthest below the chord, the knee). Ties go to the better
    quality, then by id. Raises `ParetoscopeError` when a `MaxDrop` has no baseline.
    """
    known = [p for p in points if all(p.value(o.key) is not None for o in objectives)]
    rooms = {p.id: {limit: limit.slack(p, baseline) for limit in constraints} for p in known}
    complete = [p for p in known if None not in rooms[p.id].values()]
    slacks = {
        id: {limit: room for limit, room in each.items() if room is not None}
        for id, each in rooms.items()
    }
    feasible = [p for p in complete if all(room >= 0 for room in slacks[p.id].values())]
    scale = _scales(slacks, constraints)
    if not complete:
        return Recommendation(
            None, None, "No model has been measured in all of these metrics yet.", (), {}
        )
    if not feasible:
        return _none_feasible(complete, slacks, scale)
    ranked = _ranked(feasible, objectives, baseline)
    best, runner = (
        ranked[0],
        ranked[1] if len(ranked) > 1 else _second(feasible, ranked[0], objectives, baseline),
    )
    slack = slacks[best.id]
    nearest = min(slack, key=lambda limit: slack[limit] / scale[limit]) if slack else None
    why = _why(best, ranked, len(feasible), objectives, baseline)
    second = runner.id if runner else None
    return Recommendation(
        best.id,
        second,
        why,
        tuple(p.id for p in feasible),
        slack,
        nearest,
        figures=_figures(best, baseline),
    )


def _ranked(
    feasible: Sequence[Point], objectives: Sequence[Objective], baseline: Point | None
) -> list[Point]:
    """The front of the feasible points, the one to take first."""
    found = front(feasible, objectives)
    vectors = [
        tuple(o.sign * (found.points[id].value(o.key) or 0.0) for o in objectives)
        for id in found.on_front
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

    return sorted((found.points[id] for id in found.on_front), key=standing)


def _judged(objectives: Sequence[Objective]) -> Objective | None:
    """The objective that says how good a model is, if there is one."""
    return next((objective for objective in objectives if objective.metric.quality), None)


def _second(
    feasible: Sequence[Point], best: Point, objectives: Sequence[Objective], baseline: Point | None
) -> Point | None:
    """The runner-up when the front is one point: the best of the rest."""
    rest = [p for p in feasible if p.id != best.id]
    return _ranked(rest, objectives, baseline)[0] if rest else None


def _scales(
    slacks: Mapping[str, Mapping[Limit, float]], limits: Sequence[Limit]
) -> dict[Limit, float]:
    """By what the room under each limit is divided, so that bytes and milliseconds can be compared:
    the range that it has.
    """
    scales: dict[Limit, float] = {}
    for limit in limits:
        values = [
            rooms[limit]
            for rooms in slacks.values()
            if limit in rooms and math.isfinite(rooms[limit])
        ]
        span = max(values) - min(values) if values else 0.0
        scales[limit] = span or abs(limit.bound) or 1.0
    return scales


def _none_feasible(
    points: Sequence[Point],
    slacks: Mapping[str, Mapping[Limit, float]],
    scale: Mapping[Limit, float],
) -> Recommendation:
    """Which limits give way for the point that breaks the fewest of them, and those the least."""

    def distance(p: Point) -> tuple[int, float, str]:
        broken = [-room / scale[limit] for limit, room in slacks[p.id].items() if room < 0]
        return len(broken), sum(broken), p.id

    closest = min(points, key=distance)
    broken = [(limit, room) for limit, room in slacks[closest.id].items() if room < 0]
    relaxations = tuple(Relaxation(limit, limit.needed(room), -room) for limit, room in broken)
    reason = (
        f"No model meets every limit. {closest.shown_name} comes closest: "
        + "; ".join(r.in_words() for r in relaxations)
        + "."
    )
    return Recommendation(None, None, reason, (), slacks[closest.id], None, relaxations, closest.id)


def _figures(best: Point, baseline: Point | None) -> str:
    """What `best` costs and gains beside the baseline."""
    return (
        best.shown_name
        if baseline is None or best.id == baseline.id
        else f"{best.shown_name}: {against_baseline(best, baseline)}"
    )


def _why(
    best: Point,
    ranked: Sequence[Point],
    feasible: int,
    objectives: Sequence[Objective],
    baseline: Point | None,
) -> str:
    """What `best` won."""
    others = [o.metric.label.lower() for o in objectives if o.key not in QUALITY_METRICS]
    quality = _judged(objectives) if baseline is not None else None
    lost = what_is_lost(quality.key) if quality else ""
    is_baseline = baseline is not None and best.id == baseline.id
    if feasible == 1:
        return "It is the only model within the limits."
    if len(ranked) == 1:
        return (
            f"It is at least as good as each of the {feasible} models within the limits in every"
            " objective."
        )
    keys = listed([o.metric.label.lower() for o in objectives])
    compromise = f"the best compromise of {keys}" if others else "the best"
    if is_baseline:
        return (
            f"None of the {feasible} models within the limits is a better bargain than leaving the"
            " model as it is."
        )
    equals = [
        p
        for p in ranked
        if clear_loss(p, baseline) is False and (baseline is None or p.id != baseline.id)
    ]
    if quality and clear_loss(best, baseline) is False:
        if len(equals) == 1:
            return (
                f"It is the only one of {len(ranked)} on the front, the baseline apart, without a"
                f" clear loss of {lost}."
            )
        losing = sum(clear_loss(p, baseline) is True for p in ranked)
        of_them = (
            f"{losing or 'none'} of them with a clear loss of {lost};"
            f" {'of the others ' if losing else ''}this is {compromise}."
        )
        return f"{len(ranked)} models are on the front within the limits, {of_them}"
    best_of_them = f"is the best compromise of {keys} among {len(ranked)} on the front."
    losing = (
        f"Every smaller or faster model within the limits, this one too, loses {lost} beyond"
        " chance; this"
        if quality
        else "This"
    )
    return f"{losing} {best_of_them}"
