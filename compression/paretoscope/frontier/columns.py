"""Points as columns of numbers, so that thousands are compared at once."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from typing import overload

import numpy as np
from numpy.typing import NDArray

from paretoscope.frontier.points import Objective, Point

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]


class Ids(tuple[str, ...]):
    """Ids in order; whether one is among them does not depend on how many there are."""

    def __contains__(self, key: object) -> bool:
        return key in self._set

    @cached_property
    def _set(self) -> frozenset[str]:
        return frozenset(self)


class Points(Sequence[Point]):
    """Points whose ids differ, with a column of values for each metric, read on first use.

    A page that keeps its points as one value reads each column once. Raises `ValueError` when two
    points share an id.
    """

    def __init__(self, points: Iterable[Point]) -> None:
        self._points = tuple(points)
        self._values: dict[str, Array] = {}
        self._ends: dict[str, tuple[Array, Array]] = {}

    @classmethod
    def of(cls, points: Iterable[Point]) -> Points:
        """These points; a value of this class is returned as it is."""
        return points if isinstance(points, Points) else cls(points)

    @overload
    def __getitem__(self, at: int) -> Point: ...
    @overload
    def __getitem__(self, at: slice) -> Sequence[Point]: ...
    def __getitem__(self, at: int | slice) -> Point | Sequence[Point]:
        return self._points[at]

    def __len__(self) -> int:
        return len(self._points)

    def __iter__(self) -> Iterator[Point]:
        return iter(self._points)

    @cached_property
    def by_id(self) -> dict[str, Point]:
        found: dict[str, Point] = {}
        for each in self._points:
            if each.id in found:
                raise ValueError(f'two points have the id "{each.id}"')
            found[each.id] = each
        return found

    @cached_property
    def ids(self) -> Ids:
        return Ids(each.id for each in self._points)

    def values(self, key: str) -> Array:
        """A metric of all points [points] in its stored unit; NaN where it is missing."""
        if key not in self._values:
            found = (each.value(key) for each in self._points)
            numbers = (math.nan if value is None else value for value in found)
            self._values[key] = np.fromiter(numbers, np.float64, len(self))
        return self._values[key]

    def ends(self, key: str) -> tuple[Array, Array]:
        """(low, high) of a metric of all points, each [points]; NaN where it is missing."""
        if key not in self._ends:
            unknown = math.nan, math.nan
            found = np.array([each.interval(key) or unknown for each in self._points], np.float64)
            self._ends[key] = found.reshape(-1, 2)[:, 0], found.reshape(-1, 2)[:, 1]
        return self._ends[key]

    def where(self, kept: Mask) -> Points:
        """The points [points] for which `kept` is true, with the columns that are known."""
        if kept.all():
            return self
        found = Points(itertools.compress(self._points, kept.tolist()))
        found._values = {key: column[kept] for key, column in self._values.items()}
        found._ends = {key: (low[kept], high[kept]) for key, (low, high) in self._ends.items()}
        return found

    def measured(self, objectives: Sequence[Objective]) -> Mask:
        """Which points [points] have a value in every objective."""
        found = np.ones(len(self), bool)
        for objective in objectives:
            found &= ~np.isnan(self.values(objective.key))
        return found

    def to_minimize(self, objectives: Sequence[Objective]) -> Array:
        """The objectives [points, objectives], with the sign that makes less better."""
        columns = [objective.sign * self.values(objective.key) for objective in objectives]
        return np.column_stack(columns) if columns else np.empty((len(self), 0))

    def end_to_minimize(self, objectives: Sequence[Objective], *, better: bool) -> Array:
        """As `to_minimize`, with the better or the worse end of each interval."""
        columns: list[Array] = []
        for objective in objectives:
            low, high = (objective.sign * end for end in self.ends(objective.key))
            columns.append(np.minimum(low, high) if better else np.maximum(low, high))
        return np.column_stack(columns)
