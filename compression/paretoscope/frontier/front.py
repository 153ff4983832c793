"""The frontier: which measured models are worth having, a pure function of points and objectives.

Dominance, the front with its step line, what lies on it within the error, knee, hypervolume, and
what it would take for a dominated point to get there. The last part says which of them to take
under limits. The mathematics on bare vectors is `frontier/pareto.py`'s. Nothing here is stored: ask
again when points change.

    >>> from paretoscope.frontier.points import objectives
    >>> from paretoscope.trials.trial import MetricValue
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

from paretoscope.frontier import pareto
from paretoscope.frontier.pareto import Vector
from paretoscope.frontier.points import Objective, Point
from paretoscope.trials.format import difference, negligible
from paretoscope.trials.metrics import metric


@dataclass(frozen=True)
class Needed:
    """The smallest change of one metric, all else as it is, that puts a dominated point on the
    front.

    `bound` is the stored value to get past; `change` (stored unit, never 0 in the worse direction)
    leads to it.
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
        return (
            f"{row.label[0].lower()}{row.label[1:]} {'just ' if hardly else ''}{side}"
            f" {row.format(self.bound)}{change}"
        )


@dataclass(frozen=True)
class Frontier:
    """What `front` found. Ids of `on_front` run along x, the first objective, from small to large."""

    objectives: tuple[Objective, ...]
    points: Mapping[str, Point]
    on_front: tuple[str, ...]
    dominated: tuple[str, ...]
    not_comparable: Mapping[str, tuple[str, ...]]
    """Points that lack a needed metric, each with the keys it lacks: neither on the front nor
    dominated.
    """
    _vectors: Mapping[str, Vector] = field(repr=False)

    def dominators(self, id: str) -> tuple[str, ...]:
        """The points that dominate `id`, those on the front first; empty for a point on the front."""
        mine = self._vectors.get(id)
        if mine is None:
            return ()
        return tuple(
            other
            for other in (*self.on_front, *self.dominated)
            if pareto.dominates(self._vectors[other], mine)
        )

    @cached_property
    def statistically_on_front(self) -> tuple[str, ...]:
        """The front, then every dominated point that no front point beats beyond the intervals.

        Beaten beyond the intervals: the worse ends of the other's intervals dominate the better
        ends of its own. A number without an interval is its own two ends.
        """
        worst = [self._end(id, better=False) for id in self.on_front]
        return self.on_front + tuple(
            id
            for id in self.dominated
            if not any(pareto.dominates(other, self._end(id, better=True)) for other in worst)
        )

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
        """(x, y) in stored units along the edge of what the front dominates, two objectives only,
        else empty.

        Between two neighbours the line passes the corner that is worse in both: there nothing
        better is known.
        """
        if len(self.objectives) != 2:
            return ()
        sx, sy = (objective.sign for objective in self.objectives)
        corners = sorted(
            {v for id in self.on_front if all(map(math.isfinite, v := self._vectors[id]))}
        )
        line = corners[:1]
        for before, after in itertools.pairwise(corners):
            line += [(after[0], before[1]), after]
        return tuple((v[0] * sx, v[1] * sy) for v in line)[::sx]

    @property
    def knee(self) -> str | None:
        """The point of the front furthest below the chord between its ends (see `pareto.knee`), if
        it has one.
        """
        ids = sorted(self.on_front)
        index = pareto.knee([self._vectors[id] for id in ids])
        return None if index is None else ids[index]

    def reference(self) -> dict[str, float]:
        """The reference point for the hypervolume: the worst finite value of each objective over
        all comparable points, moved out by a tenth of that objective's range, so that the ends of
        the front count too.

        It moves when points are added: give one to `hypervolume` to follow a search.
        """
        found: dict[str, float] = {}
        for place, objective in enumerate(self.objectives):
            finite = [v[place] for v in self._vectors.values() if math.isfinite(v[place])]
            if finite:
                found[objective.key] = objective.sign * (
                    max(finite) + 0.1 * (max(finite) - min(finite))
                )
        return found

    def hypervolume(self, reference: Mapping[str, float] | None = None) -> float:
        """Exact volume between the front and `reference` (stored values by metric key; else
        `reference()`), in the product of the stored units; 0 without a point that beats the
        reference everywhere."""
        corner = reference if reference is not None else self.reference()
        if not self.on_front or any(objective.key not in corner for objective in self.objectives):
            return 0.0
        limit = tuple(objective.sign * corner[objective.key] for objective in self.objectives)
        return pareto.hypervolume([self._vectors[id] for id in self.on_front], limit)

    def needed(self, id: str) -> tuple[Needed, ...]:
        """What it would take: for each metric alone the smallest change that puts the dominated
        point `id` on the front (it must get past `bound`, by however little). Empty for a point
        that is not dominated."""
        if id not in self.dominated:
            return ()
        mine = self._vectors[id]
        changes: list[Needed] = []
        for place, objective in enumerate(self.objectives):
            bound = min(
                other[place]
                for other_id, other in self._vectors.items()
                if other_id != id
                and all(other[i] <= mine[i] for i in range(len(mine)) if i != place)
            )
            if math.isfinite(bound) and math.isfinite(mine[place]):
                changes.append(
                    Needed(
                        objective.key,
                        objective.sign * bound,
                        objective.sign * (bound - mine[place]),
                    )
                )
        return tuple(changes)


def front(points: Iterable[Point], objectives: Sequence[Objective]) -> Frontier:
    """The Pareto front of `points` for `objectives`; equal points share their fate.

    A point that lacks a needed metric (None or NaN) is listed aside; an infinite value counts as
    one. Raises `ValueError` without an objective or when two points share an id.
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
            vectors[id] = tuple(
                objective.sign * (values[objective.key] or 0.0) for objective in objectives
            )
    ids = list(vectors)
    kept = {ids[i] for i in pareto.non_dominated([vectors[id] for id in ids])}
    along_x = sorted(kept, key=lambda id: (vectors[id][0] * objectives[0].sign, vectors[id], id))
    return Frontier(
        tuple(objectives),
        by_id,
        tuple(along_x),
        tuple(id for id in ids if id not in kept),
        lacking,
        vectors,
    )


# --- the recommendation -----------------------------------------------------------------------
