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

import numpy as np

from paretoscope.frontier import pareto
from paretoscope.frontier.columns import Array, Ids, Mask, Points
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
    _compared: Points = field(repr=False, compare=False)
    """Those of the points that have a value in every objective."""

    @cached_property
    def _vectors(self) -> Array:
        """The compared points [points, objectives], to minimize."""
        return self._compared.to_minimize(self.objectives)

    @cached_property
    def _places(self) -> dict[str, int]:
        """The row of each compared point."""
        return {each.id: at for at, each in enumerate(self._compared)}

    @cached_property
    def _counted(self) -> Mask:
        """Which of the compared points [points] are on the front or dominated."""
        others = set(self.references)
        return np.array([each not in others for each in self._compared.ids], bool)

    def _rows(self, ids: Iterable[str]) -> list[Vector]:
        return [tuple(self._vectors[self._places[each]].tolist()) for each in ids]

    def dominators(self, point_id: str) -> tuple[str, ...]:
        """The points that dominate a point, those on the front first."""
        at = self._places.get(point_id)
        if at is None:
            return ()
        mine = self._vectors[at]
        better = (self._vectors <= mine).all(axis=1) & (self._vectors < mine).any(axis=1)
        found = {self._compared[place].id for place in np.flatnonzero(better).tolist()}
        first = tuple(each for each in self.on_front if each in found)
        return first + tuple(each for each in self.dominated if each in found) if found else ()

    @cached_property
    def statistically_on_front(self) -> tuple[str, ...]:
        """The front, then the dominated points that are statistically indistinguishable from it.

        A point is distinguishable when the worse ends of the intervals of a point on the front
        dominate the better ends of its own. A number without an interval is both of its ends.
        """
        places = self._places
        others = np.array([places[each] for each in self.dominated], np.intp)
        if not len(others):
            return self.on_front
        own = np.array([places[each] for each in self.on_front], np.intp)
        worst = self._compared.end_to_minimize(self.objectives, better=False)[own]
        best = self._compared.end_to_minimize(self.objectives, better=True)[others]
        behind = pareto.dominated(best, worst)
        near = zip(self.dominated, behind, strict=True)
        return Ids((*self.on_front, *(each for each, far in near if not far)))

    @property
    def step(self) -> tuple[tuple[float, float], ...]:
        """The edge of the dominated area as (x, y) in stored units; empty unless two objectives.

        Between two neighbours the line passes the corner that is worse in both.
        """
        if len(self.objectives) != 2:
            return ()
        sx, sy = (objective.sign for objective in self.objectives)
        corners = sorted({v for v in self._rows(self.on_front) if all(map(math.isfinite, v))})
        line = corners[:1]
        for before, after in itertools.pairwise(corners):
            line += [(after[0], before[1]), after]
        return tuple((v[0] * sx, v[1] * sy) for v in line)[::sx]

    @property
    def knee(self) -> str | None:
        """The point furthest below the chord between the ends of the front (see `pareto.knee`)."""
        ids = sorted(self.on_front)
        index = pareto.knee(self._rows(ids))
        return None if index is None else ids[index]

    def reference(self) -> dict[str, float]:
        """The default reference point of the hypervolume, in stored values by metric key.

        It is the worst finite value of each objective, worse by a tenth of the objective's range so
        that the ends of the front count. It moves when points are added; pass a fixed one to
        `hypervolume` to compare fronts.
        """
        found: dict[str, float] = {}
        for place, objective in enumerate(self.objectives):
            column = self._vectors[self._counted, place]
            finite = column[np.isfinite(column)]
            if len(finite):
                best, worst = float(finite.min()), float(finite.max())
                found[objective.key] = objective.sign * (worst + 0.1 * (worst - best))
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
        return pareto.hypervolume(self._rows(self.on_front), limit)

    def needed(self, point_id: str) -> tuple[Needed, ...]:
        """For each objective, the smallest change that puts a dominated point on the front.

        Empty for a point that is not dominated.
        """
        if point_id not in self.dominated:
            return ()
        at = self._places[point_id]
        mine = self._vectors[at].tolist()
        kept = self._counted.copy()
        kept[at] = False
        others = self._vectors[kept]
        no_worse = others <= self._vectors[at]
        changes: list[Needed] = []
        for place, objective in enumerate(self.objectives):
            rival = np.delete(no_worse, place, axis=1).all(axis=1)
            bound = float(others[rival, place].min())
            if math.isfinite(bound) and math.isfinite(mine[place]):
                changes.append(
                    Needed(
                        objective.key,
                        objective.sign * bound,
                        objective.sign * (bound - mine[place]),
                    )
                )
        return tuple(changes)


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
    every = Points.of(points)
    whole = every.measured(objectives)
    lacking = {
        each.id: tuple(o.key for o in objectives if each.value(o.key) is None)
        for each in (every[at] for at in np.flatnonzero(~whole).tolist())
    }
    compared = every.where(whole)
    references = () if with_references else tuple(p.id for p in every if p.is_reference)
    judged = compared
    if references:
        judged = compared.where(np.array([not p.is_reference for p in compared], bool))
    vectors = judged.to_minimize(objectives)
    behind = ~pareto.on_front(vectors)
    sign = objectives[0].sign
    rows = [(vectors[at].tolist(), judged[at].id) for at in np.flatnonzero(~behind).tolist()]
    kept = sorted((sign * row[0], row, each) for row, each in rows)
    dominated = Ids(itertools.compress(judged.ids, behind.tolist()))
    on_front = Ids(each for *_, each in kept)
    return Frontier(
        tuple(objectives), every.by_id, on_front, dominated, lacking, references, compared
    )
