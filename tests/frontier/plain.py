"""Front and recommendation in plain Python, point by point: what the arrays have to reproduce."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from paretoscope.frontier.limits import Constraint, Limit, MaxDrop
from paretoscope.frontier.pareto import Vector, dominates
from paretoscope.frontier.points import Objective, Point
from paretoscope.trials.metrics import metric


def vectors(points: Sequence[Point], objectives: Sequence[Objective]) -> dict[str, Vector]:
    """By id the values to minimize, of points that have all of them."""
    found: dict[str, Vector] = {}
    for each in points:
        values = [each.value(objective.key) for objective in objectives]
        if None not in values:
            found[each.id] = tuple(
                o.sign * (value or 0.0) for o, value in zip(objectives, values, strict=True)
            )
    return found


def non_dominated(found: Mapping[str, Vector]) -> set[str]:
    """In lexicographic order only an earlier vector on the front can dominate."""
    kept: list[str] = []
    for each in sorted(found, key=lambda key: found[key]):
        if not any(dominates(found[other], found[each]) for other in kept):
            kept.append(each)
    return set(kept)


def on_front(points: Sequence[Point], objectives: Sequence[Objective]) -> tuple[str, ...]:
    found, sign = vectors(points, objectives), objectives[0].sign
    return tuple(
        sorted(non_dominated(found), key=lambda key: (found[key][0] * sign, found[key], key))
    )


def statistically_on_front(
    points: Sequence[Point], objectives: Sequence[Objective]
) -> tuple[str, ...]:
    by_id = {each.id: each for each in points}
    front = on_front(points, objectives)
    worst = [_end(by_id[each], objectives, better=False) for each in front]
    return front + tuple(
        each
        for each in vectors(points, objectives)
        if each not in front
        and not any(dominates(w, _end(by_id[each], objectives, better=True)) for w in worst)
    )


def _end(of: Point, objectives: Sequence[Objective], *, better: bool) -> Vector:
    ends: list[float] = []
    for objective in objectives:
        interval = of.interval(objective.key)
        assert interval is not None
        signed = [objective.sign * end for end in interval]
        ends.append(min(signed) if better else max(signed))
    return tuple(ends)


def hypervolume(found: Sequence[Vector], reference: Vector) -> float:
    inside = [v for v in found if all(x < limit for x, limit in zip(v, reference, strict=True))]
    if not inside:
        return 0.0
    if len(reference) == 1:
        return reference[0] - min(v[0] for v in inside)
    ordered = sorted(inside, key=lambda v: v[-1])
    tops = [v[-1] for v in ordered[1:]] + [reference[-1]]
    total = 0.0
    for count, (vector, top) in enumerate(zip(ordered, tops, strict=True), start=1):
        if top > vector[-1]:
            below = [v[:-1] for v in ordered[:count]]
            total += hypervolume(below, reference[:-1]) * (top - vector[-1])
    return total


def slack(limit: Limit, point: Point, baseline: Point) -> float | None:
    value, base = point.value(limit.metric), baseline.value(limit.metric)
    if value is None:
        return None
    sign = Objective(limit.metric).sign
    if isinstance(limit, Constraint):
        return _room(limit.bound, value, sign)
    assert isinstance(limit, MaxDrop)
    assert base is not None
    unit = base if metric(limit.metric).relative else 1
    return _room(limit.bound, sign * (value - base) / unit, 1)


def _room(bound: float, value: float, sign: int) -> float:
    if bound == value:
        return 0.0
    room = sign * (bound - value)
    return 0.0 if math.isfinite(room) and abs(room) <= 1e-9 * max(abs(bound), abs(value)) else room


def closest(
    points: Sequence[Point], limits: Sequence[Limit], objectives: Sequence[Objective], base: Point
) -> tuple[tuple[str, ...], str | None]:
    """The ids within the limits, else none and the id that violates the fewest by the least."""
    known = [each for each in points if each.id in vectors(points, objectives)]
    rooms = {each.id: {limit: slack(limit, each, base) for limit in limits} for each in known}
    complete = [each for each in known if None not in rooms[each.id].values()]
    feasible = tuple(
        each.id for each in complete if all((room or 0) >= 0 for room in rooms[each.id].values())
    )
    if feasible or not complete:
        return feasible, None
    scale: dict[Limit, float] = {}
    for limit in limits:
        found = [room for each in known if (room := rooms[each.id][limit]) is not None]
        finite = [room for room in found if math.isfinite(room)]
        span = max(finite) - min(finite) if finite else 0.0
        scale[limit] = span or abs(limit.bound) or 1.0

    def distance(each: Point) -> tuple[int, float, str]:
        all_rooms = {limit: room or 0.0 for limit, room in rooms[each.id].items()}
        broken = [-room / scale[limit] for limit, room in all_rooms.items() if room < 0]
        return len(broken), sum(broken), each.id

    return (), min(complete, key=distance).id
