"""The Pareto front of measured points: a pure function of points and objectives.

Dominance, the front and its step line, points within their intervals of it, the knee, the
hypervolume, and the smallest changes that would put a dominated point on it. The mathematics on
vectors is `frontier/pareto.py`'s, the recommendation `frontier/recommend.py`'s.

    >>> from paretoscope.frontier.points import objectives
    >>> from paretoscope.trials.trial import MetricValue
    >>> def at(name, quality, size):
    ...     values = {"quality": quality, "size_bytes": size}
    ...     return Point(name, {key: MetricValue(key, value) for key, value in values.items()})
    >>> points = [at("fp32", 0.96, 90e6), at("int8", 0.95, 23e6), at("int4", 0.94, 24e6)]
    >>> found = front(points, objectives("size_bytes", "quality"))
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
    """The smallest change of one metric that puts a dominated point on the front.

    The other metrics stay the same. `bound` is the value to get past, and `change` leads to it,
    both in stored units.
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
    """A Pareto front; ids of `on_front` are sorted by the first objective, from small to large."""

    objectives: tuple[Objective, ...]
    points: Mapping[str, Point]
    on_front: tuple[str, ...]
    dominated: tuple[str, ...]
    not_comparable: Mapping[str, tuple[str, ...]]
    """Points without a value in some objective, with the keys of these objectives."""
    references: tuple[str, ...]
    """Reference points, which are neither on the front nor dominated, unless they were counted."""
    _vectors: Mapping[str, Vector] = field(repr=False)

    def dominators(self, point_id: str) -> tuple[str, ...]:
        """The points that dominate a point, those on the front first."""
        mine = self._vectors.get(point_id)
        if mine is None:
            return ()
        return tuple(
            other
            for other in (*self.on_front, *self.dominated)
            if pareto.dominates(self._vectors[other], mine)
        )

    @cached_property
    def statistically_on_front(self) -> tuple[str, ...]:
        """The front, then the dominated points that are statistically indistinguishable from it.

        A point is distinguishable when the worse ends of the intervals of a point on the front
        dominate the better ends of its own. A number without an interval is both of its ends.
        """
        worst = [self._end(point_id, better=False) for point_id in self.on_front]
        return self.on_front + tuple(
            point_id
            for point_id in self.dominated
            if not any(pareto.dominates(other, self._end(point_id, better=True)) for other in worst)
        )

    def _end(self, point_id: str, *, better: bool) -> Vector:
        ends: list[float] = []
        for objective in self.objectives:
            interval = self.points[point_id].interval(objective.key)
            assert interval is not None
            signed = [objective.sign * end for end in interval]
            ends.append(min(signed) if better else max(signed))
        return tuple(ends)

    @property
    def step(self) -> tuple[tuple[float, float], ...]:
        """The edge of the dominated area as (x, y) in stored units; empty unless two objectives.

        Between two neighbours the line passes the corner that is worse in both.
        """
        if len(self.objectives) != 2:
            return ()
        sx, sy = (objective.sign for objective in self.objectives)
        corners = sorted(
            {v for key in self.on_front if all(map(math.isfinite, v := self._vectors[key]))}
        )
        line = corners[:1]
        for before, after in itertools.pairwise(corners):
            line += [(after[0], before[1]), after]
        return tuple((v[0] * sx, v[1] * sy) for v in line)[::sx]

    @property
    def knee(self) -> str | None:
        """The point furthest below the chord between the ends of the front (see `pareto.knee`)."""
        ids = sorted(self.on_front)
        index = pareto.knee([self._vectors[point_id] for point_id in ids])
        return None if index is None else ids[index]

    def reference(self) -> dict[str, float]:
        """The default reference point of the hypervolume, in stored values by metric key.

        It is the worst finite value of each objective, worse by a tenth of the objective's range so
        that the ends of the front count. It moves when points are added; pass a fixed one to
        `hypervolume` to compare fronts.
        """
        found: dict[str, float] = {}
        for place, objective in enumerate(self.objectives):
            finite = [v[place] for _, v in self._counted() if math.isfinite(v[place])]
            if finite:
                found[objective.key] = objective.sign * (
                    max(finite) + 0.1 * (max(finite) - min(finite))
                )
        return found

    def hypervolume(self, reference: Mapping[str, float] | None = None) -> float:
        """Exact volume between the front and a reference point (default: `reference()`).

        Its unit is the product of the stored units; it is 0 when no point is better than the
        reference in every objective.
        """
        corner = reference if reference is not None else self.reference()
        if not self.on_front or any(objective.key not in corner for objective in self.objectives):
            return 0.0
        limit = tuple(objective.sign * corner[objective.key] for objective in self.objectives)
        return pareto.hypervolume([self._vectors[point_id] for point_id in self.on_front], limit)

    def needed(self, point_id: str) -> tuple[Needed, ...]:
        """For each objective, the smallest change that puts a dominated point on the front.

        Empty for a point that is not dominated.
        """
        if point_id not in self.dominated:
            return ()
        mine = self._vectors[point_id]
        changes: list[Needed] = []
        for place, objective in enumerate(self.objectives):
            bound = min(
                other[place]
                for other_id, other in self._counted()
                if other_id != point_id
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

    def _counted(self) -> Iterable[tuple[str, Vector]]:
        """The points on the front and the dominated ones, with their vectors."""
        return ((key, self._vectors[key]) for key in (*self.on_front, *self.dominated))


def front(
    points: Iterable[Point], objectives: Sequence[Objective], *, with_references: bool = False
) -> Frontier:
    """The Pareto front of `points`; equal points are both on it or both dominated.

    Reference points are counted only `with_references`.

    A point without a value in some objective (None or NaN) is not comparable; an infinite value is
    a value. Raises `ValueError` without an objective or when two points share an id.
    """
    if not objectives:
        raise ValueError("a front needs at least one objective")
    by_id: dict[str, Point] = {}
    for each in points:
        if each.id in by_id:
            raise ValueError(f'two points have the id "{each.id}"')
        by_id[each.id] = each
    vectors: dict[str, Vector] = {}
    lacking: dict[str, tuple[str, ...]] = {}
    for each in by_id.values():
        values = {objective: each.value(objective.key) for objective in objectives}
        missing = tuple(objective.key for objective, value in values.items() if value is None)
        if missing:
            lacking[each.id] = missing
        else:
            vectors[each.id] = tuple(o.sign * (value or 0.0) for o, value in values.items())
    references = () if with_references else tuple(p.id for p in by_id.values() if p.is_reference)
    ids = [key for key in vectors if key not in references]
    signs = [objective.sign for objective in objectives]
    kept = {ids[i] for i in pareto.non_dominated([vectors[key] for key in ids])}
    sorted_by_x = sorted(kept, key=lambda key: (vectors[key][0] * signs[0], vectors[key], key))
    dominated = tuple(key for key in ids if key not in kept)
    return Frontier(
        tuple(objectives), by_id, tuple(sorted_by_x), dominated, lacking, references, vectors
    )
