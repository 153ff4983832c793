"""The frontier: which measured models are worth having, a pure function of points and objectives.

Dominance, the front with its step line, what lies on it within the error, knee, hypervolume, and what it would
take for a dominated point to get there. The last part says which of them to take under
limits. The mathematics on bare vectors is `pareto.py`'s. Nothing here is stored: ask again when points change.

    >>> def at(id, quality, size):
    ...     return Point(id, {"quality": MetricValue("quality", quality), "size_bytes": MetricValue("size_bytes", size)})
    >>> found = front([at("fp32", 0.96, 90e6), at("int8", 0.95, 23e6), at("int4", 0.94, 24e6)], objectives("size_bytes", "quality"))
    >>> found.on_front, found.dominated, found.dominators("int4")
    (('int8', 'fp32'), ('int4',), ('int8',))
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from paretoscope import pareto
from paretoscope.limits import Constraint, Limit, MaxDrop, Relaxation, judged_by
from paretoscope.pareto import Vector
from paretoscope.points import QUALITIES, Objective, Point, against_baseline, clear_loss, objectives, point, surely_lost
from paretoscope.trials.format import difference, listed, negligible, what_is_lost
from paretoscope.trials.metrics import metric
from paretoscope.trials.trial import MetricValue

__all__ = [
    "Constraint",
    "Frontier",
    "Limit",
    "MaxDrop",
    "MetricValue",
    "Needed",
    "Objective",
    "Point",
    "Recommendation",
    "Relaxation",
    "answer",
    "front",
    "objectives",
    "point",
    "recommend",
]


@dataclass(frozen=True)
class Needed:
    """The smallest change of one metric, all else as it is, that puts a dominated point on the front.

    `bound` is the stored value to get past; `change` (stored unit, never 0 in the worse direction) leads to it.
    """

    metric: str
    bound: float
    change: float

    def in_words(self) -> str:
        """
        >>> Needed("size_bytes", 20e6, -3e6).in_words()
        'size on disk below 20.0 MB (-3.00 MB)'
        >>> Needed("size_bytes", 20e6, -300.0).in_words()
        'size on disk just below 20.0 MB'
        """
        row = metric(self.metric)
        side = "below" if row.better == "lower" else "above"
        hardly = negligible(self.metric, self.change)
        change = "" if hardly else f" ({difference(self.metric, self.change)})"
        return f"{row.label[0].lower()}{row.label[1:]} {'just ' if hardly else ''}{side} {row.format(self.bound)}{change}"


@dataclass(frozen=True)
class Frontier:
    """What `front` found. Ids of `on_front` run along x, the first objective, from small to large."""

    objectives: tuple[Objective, ...]
    points: Mapping[str, Point]
    on_front: tuple[str, ...]
    dominated: tuple[str, ...]
    not_comparable: Mapping[str, tuple[str, ...]]
    """Points that lack a needed metric, each with the keys it lacks: neither on the front nor dominated."""
    _vectors: Mapping[str, Vector] = field(repr=False)

    def dominators(self, id: str) -> tuple[str, ...]:
        """The points that dominate `id`, those on the front first; empty for a point on the front."""
        mine = self._vectors.get(id)
        if mine is None:
            return ()
        return tuple(other for other in (*self.on_front, *self.dominated) if pareto.dominates(self._vectors[other], mine))

    @cached_property
    def statistically_on_front(self) -> tuple[str, ...]:
        """The front, then every dominated point that no front point beats beyond the intervals.

        Beaten beyond the intervals: the worse ends of the other's intervals dominate the better ends of its own.
        A number without an interval is its own two ends.
        """
        worst = [self._end(id, better=False) for id in self.on_front]
        return self.on_front + tuple(id for id in self.dominated if not any(pareto.dominates(other, self._end(id, better=True)) for other in worst))

    def _end(self, id: str, *, better: bool) -> Vector:
        ends: list[float] = []
        for objective in self.objectives:
            interval = self.points[id].interval(objective.key)
            assert interval is not None
            signed = [objective.sign * end for end in interval]
            ends.append(min(signed) if better else max(signed))
        return tuple(ends)

    @property
    def step(self) -> tuple[tuple[float, float], ...]:
        """(x, y) in stored units along the edge of what the front dominates, two objectives only, else empty.

        Between two neighbours the line passes the corner that is worse in both: there nothing better is known.
        """
        if len(self.objectives) != 2:
            return ()
        (sx, sy) = (objective.sign for objective in self.objectives)
        corners = sorted({v for id in self.on_front if all(map(math.isfinite, v := self._vectors[id]))})
        line = corners[:1]
        for before, after in itertools.pairwise(corners):
            line += [(after[0], before[1]), after]
        return tuple((v[0] * sx, v[1] * sy) for v in line)[::sx]

    @property
    def knee(self) -> str | None:
        """The point of the front furthest below the chord between its ends (see `pareto.knee`), if it has one."""
        ids = sorted(self.on_front)
        index = pareto.knee([self._vectors[id] for id in ids])
        return None if index is None else ids[index]

    def reference(self) -> dict[str, float]:
        """The reference point for the hypervolume: the worst finite value of each objective over all comparable
        points, moved out by a tenth of that objective's range, so that the ends of the front count too.

        It moves when points are added: give one to `hypervolume` to follow a search.
        """
        found: dict[str, float] = {}
        for place, objective in enumerate(self.objectives):
            finite = [v[place] for v in self._vectors.values() if math.isfinite(v[place])]
            if finite:
                found[objective.key] = objective.sign * (max(finite) + 0.1 * (max(finite) - min(finite)))
        return found

    def hypervolume(self, reference: Mapping[str, float] | None = None) -> float:
        """Exact volume between the front and `reference` (stored values by metric key; else `reference()`),
        in the product of the stored units; 0 without a point that beats the reference everywhere."""
        corner = reference if reference is not None else self.reference()
        if not self.on_front or any(objective.key not in corner for objective in self.objectives):
            return 0.0
        limit = tuple(objective.sign * corner[objective.key] for objective in self.objectives)
        return pareto.hypervolume([self._vectors[id] for id in self.on_front], limit)

    def needed(self, id: str) -> tuple[Needed, ...]:
        """What it would take: for each metric alone the smallest change that puts the dominated point `id` on
        the front (it must get past `bound`, by however little). Empty for a point that is not dominated."""
        if id not in self.dominated:
            return ()
        mine = self._vectors[id]
        changes: list[Needed] = []
        for place, objective in enumerate(self.objectives):
            bound = min(
                other[place]
                for other_id, other in self._vectors.items()
                if other_id != id and all(other[i] <= mine[i] for i in range(len(mine)) if i != place)
            )
            if math.isfinite(bound) and math.isfinite(mine[place]):
                changes.append(Needed(objective.key, objective.sign * bound, objective.sign * (bound - mine[place])))
        return tuple(changes)


def front(points: Iterable[Point], objectives: Sequence[Objective]) -> Frontier:
    """The Pareto front of `points` for `objectives`; equal points share their fate.

    A point that lacks a needed metric (None or NaN) is listed aside; an infinite value counts as one.
    Raises `ValueError` without an objective or when two points share an id.
    """
    if not objectives:
        raise ValueError("a front needs at least one objective")
    by_id: dict[str, Point] = {}
    for each in points:
        if each.id in by_id:
            raise ValueError(f'two points are called "{each.id}"')
        by_id[each.id] = each
    vectors: dict[str, Vector] = {}
    lacking: dict[str, tuple[str, ...]] = {}
    for id, each in by_id.items():
        values = {objective.key: each.value(objective.key) for objective in objectives}
        missing = tuple(key for key, value in values.items() if value is None)
        if missing:
            lacking[id] = missing
        else:
            vectors[id] = tuple(objective.sign * (values[objective.key] or 0.0) for objective in objectives)
    ids = list(vectors)
    kept = {ids[i] for i in pareto.non_dominated([vectors[id] for id in ids])}
    along_x = sorted(kept, key=lambda id: (vectors[id][0] * objectives[0].sign, vectors[id], id))
    return Frontier(tuple(objectives), by_id, tuple(along_x), tuple(id for id in ids if id not in kept), lacking, vectors)


# --- the recommendation -----------------------------------------------------------------------


@dataclass(frozen=True)
class Recommendation:
    """Which point to take, or why none: exactly one of `best` and `too_tight` is filled when there are points."""

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


QUALITY_METRICS = (*QUALITIES, "perplexity_change", "agreement", "kl")


def recommend(
    points: Sequence[Point], constraints: Sequence[Limit], objectives: Sequence[Objective], baseline: Point | None = None
) -> Recommendation:
    """The point to take under the limits.

    The rule. Of the points within every limit, take the front for `objectives`. Points without a clear loss of
    quality against the baseline (`clear_loss`) go first when quality is an objective. Within the same standing the best compromise
    wins: each objective is stretched to 0 (best of these) .. 1 (worst), a loss counts for as much as it is sure (`surely_lost`),
    quality weighs as much as all other objectives together, and the smallest sum is taken (with two objectives
    and sure losses that is the point furthest below the chord, the knee). Ties go to the better quality, then by id.
    Raises `ParetoscopeError` when a `MaxDrop` has no baseline.
    """
    known = [p for p in points if all(p.value(o.key) is not None for o in objectives)]
    rooms = {p.id: {limit: limit.slack(p, baseline) for limit in constraints} for p in known}
    complete = [p for p in known if None not in rooms[p.id].values()]
    slacks = {id: {limit: room for limit, room in each.items() if room is not None} for id, each in rooms.items()}
    feasible = [p for p in complete if all(room >= 0 for room in slacks[p.id].values())]
    scale = _scales(slacks, constraints)
    if not complete:
        return Recommendation(None, None, "No model has been measured in all of these metrics yet.", (), {})
    if not feasible:
        return _none_feasible(complete, slacks, scale)
    ranked = _ranked(feasible, objectives, baseline)
    best, runner = ranked[0], ranked[1] if len(ranked) > 1 else _second(feasible, ranked[0], objectives, baseline)
    slack = slacks[best.id]
    nearest = min(slack, key=lambda limit: slack[limit] / scale[limit]) if slack else None
    why = _why(best, ranked, len(feasible), objectives, baseline)
    second = runner.id if runner else None
    return Recommendation(best.id, second, why, tuple(p.id for p in feasible), slack, nearest, figures=_figures(best, baseline))


def _ranked(feasible: Sequence[Point], objectives: Sequence[Objective], baseline: Point | None) -> list[Point]:
    """The front of the feasible points, the one to take first."""
    found = front(feasible, objectives)
    vectors = [tuple(o.sign * (found.points[id].value(o.key) or 0.0) for o in objectives) for id in found.on_front]
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


def _second(feasible: Sequence[Point], best: Point, objectives: Sequence[Objective], baseline: Point | None) -> Point | None:
    """The runner-up when the front is one point: the best of the rest."""
    rest = [p for p in feasible if p.id != best.id]
    return _ranked(rest, objectives, baseline)[0] if rest else None


def _scales(slacks: Mapping[str, Mapping[Limit, float]], limits: Sequence[Limit]) -> dict[Limit, float]:
    """By what the room under each limit is divided, so that bytes and milliseconds can be compared: the range that it has."""
    scales: dict[Limit, float] = {}
    for limit in limits:
        values = [rooms[limit] for rooms in slacks.values() if limit in rooms and math.isfinite(rooms[limit])]
        span = max(values) - min(values) if values else 0.0
        scales[limit] = span or abs(limit.bound) or 1.0
    return scales


def _none_feasible(points: Sequence[Point], slacks: Mapping[str, Mapping[Limit, float]], scale: Mapping[Limit, float]) -> Recommendation:
    """Which limits give way for the point that breaks the fewest of them, and those the least."""

    def distance(p: Point) -> tuple[int, float, str]:
        broken = [-room / scale[limit] for limit, room in slacks[p.id].items() if room < 0]
        return len(broken), sum(broken), p.id

    closest = min(points, key=distance)
    broken = [(limit, room) for limit, room in slacks[closest.id].items() if room < 0]
    relaxations = tuple(Relaxation(limit, limit.needed(room), -room) for limit, room in broken)
    reason = f"No model meets every limit. {closest.shown_name} comes closest: " + "; ".join(r.in_words() for r in relaxations) + "."
    return Recommendation(None, None, reason, (), slacks[closest.id], None, relaxations, closest.id)


def _figures(best: Point, baseline: Point | None) -> str:
    """What `best` costs and gains beside the baseline."""
    return best.shown_name if baseline is None or best.id == baseline.id else f"{best.shown_name}: {against_baseline(best, baseline)}"


def _why(best: Point, ranked: Sequence[Point], feasible: int, objectives: Sequence[Objective], baseline: Point | None) -> str:
    """What `best` won."""
    others = [o.metric.label.lower() for o in objectives if o.key not in QUALITY_METRICS]
    quality = _judged(objectives) if baseline is not None else None
    lost = what_is_lost(quality.key) if quality else ""
    is_baseline = baseline is not None and best.id == baseline.id
    if feasible == 1:
        return "It is the only model within the limits."
    if len(ranked) == 1:
        return f"It is at least as good as each of the {feasible} models within the limits in every objective."
    keys = listed([o.metric.label.lower() for o in objectives])
    compromise = f"the best compromise of {keys}" if others else "the best"
    if is_baseline:
        return f"None of the {feasible} models within the limits is a better bargain than leaving the model as it is."
    equals = [p for p in ranked if clear_loss(p, baseline) is False and (baseline is None or p.id != baseline.id)]
    if quality and clear_loss(best, baseline) is False:
        if len(equals) == 1:
            return f"It is the only one of {len(ranked)} on the front, the baseline apart, without a clear loss of {lost}."
        losing = sum(clear_loss(p, baseline) is True for p in ranked)
        of_them = f"{losing or 'none'} of them with a clear loss of {lost}; {'of the others ' if losing else ''}this is {compromise}."
        return f"{len(ranked)} models are on the front within the limits, {of_them}"
    best_of_them = f"is the best compromise of {keys} among {len(ranked)} on the front."
    losing = f"Every smaller or faster model within the limits, this one too, loses {lost} beyond chance; this" if quality else "This"
    return f"{losing} {best_of_them}"
