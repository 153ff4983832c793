"""Fronts and recommendations from arrays are those of plain Python, and thousands take no time."""

from __future__ import annotations

import random
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from paretoscope.frontier import pareto
from paretoscope.frontier.columns import Ids, Points
from paretoscope.frontier.front import front
from paretoscope.frontier.limits import Constraint, Limit, MaxDrop
from paretoscope.frontier.points import Point, objectives
from paretoscope.frontier.recommend import recommend
from paretoscope.trials.trial import MetricValue
from tests.frontier import plain
from tests.frontier.vectors import INF, NAN

KEYS = ("size_bytes", "quality", "latency_p50_ms", "kl")
numbers = st.none() | st.sampled_from([-INF, -1.0, -0.0, 0.0, 0.5, 1.0, 2.0, 3.0, INF, NAN])
halves = st.sampled_from([0.0, 0.5, 1.0])


@st.composite
def clouds(draw: st.DrawFn, values: st.SearchStrategy[float | None] = numbers) -> list[Point]:
    """Points with ties, infinities, gaps, and intervals that are wide, narrow or unknown."""
    points: list[Point] = []
    for number in range(draw(st.integers(1, 12))):
        found: dict[str, MetricValue | None] = {}
        for key in KEYS:
            value, half = draw(values), draw(halves | st.none())
            ends = (None, None) if half is None or value is None else (value - half, value + half)
            found[key] = None if value is None else MetricValue(key, value, *ends)
        points.append(Point(f"p{number}", found))
    return points


@settings(deadline=None, max_examples=300)
@given(clouds(), st.integers(1, 4))
def test_fronts_are_those_of_plain_python(points: list[Point], count: int) -> None:
    judged = objectives(*KEYS[:count])
    found = front(points, judged)
    known = plain.vectors(points, judged)
    assert found.on_front == plain.on_front(points, judged)
    assert found.statistically_on_front == plain.statistically_on_front(points, judged)
    assert found.dominated == tuple(each for each in known if each not in found.on_front)
    assert list(found.not_comparable) == [each.id for each in points if each.id not in known]
    for each in found.dominated:
        beaten_by = {other for other in known if pareto.dominates(known[other], known[each])}
        assert set(found.dominators(each)) == beaten_by


@settings(deadline=None)
@given(
    st.integers(1, 4).flatmap(
        lambda n: st.lists(st.tuples(*[st.integers(0, 5).map(float)] * n), max_size=12)
    )
)
def test_volumes_are_those_of_plain_python(vectors: list[tuple[float, ...]]) -> None:
    corner = (4.0,) * (len(vectors[0]) if vectors else 3)
    assert pareto.hypervolume(vectors, corner) == plain.hypervolume(vectors, corner)


finite = st.none() | st.sampled_from([0.5, 1.0, 1.0 + 1e-12, 2.0, 3.0])
bounds = st.sampled_from([0.0, 0.5, 1.0, 2.0, INF])


@settings(deadline=None, max_examples=300)
@given(clouds(finite), st.lists(st.tuples(st.sampled_from(KEYS[:3]), bounds), max_size=3))
def test_limits_exclude_what_they_exclude_in_plain_python(
    points: list[Point], given_limits: list[tuple[str, float]]
) -> None:
    base = Point("base", {key: MetricValue(key, 1.0) for key in KEYS})
    limits: list[Limit] = [
        MaxDrop(bound) if key == "quality" else Constraint(key, bound)
        for key, bound in given_limits
    ]
    judged = objectives(*KEYS[:3])
    found = recommend([*points, base], limits, judged, base)
    feasible, closest = plain.closest([*points, base], limits, judged, base)
    assert found.feasible == feasible
    assert found.closest == closest
    if found.best:
        within = [each for each in (*points, base) if each.id in feasible]
        assert found.best in plain.on_front(within, judged)
        best = next(each for each in within if each.id == found.best)
        assert found.slack == {limit: plain.slack(limit, best, base) for limit in limits}


def test_a_subset_has_the_columns_of_its_points() -> None:
    points = Points(
        Point(str(n), {"quality": MetricValue("quality", n / 10, n / 20, None)}) for n in range(5)
    )
    points.values("quality")
    points.ends("quality")
    odd = points.where(np.array([n % 2 == 1 for n in range(5)]))
    assert [each.id for each in odd] == ["1", "3"]
    assert odd.values("quality").tolist() == Points(list(odd)).values("quality").tolist()
    assert [end.tolist() for end in odd.ends("quality")] == [[0.05, 0.15], [0.1, 0.3]]
    assert np.isnan(odd.values("size_bytes")).all()
    assert Points.of(points) is points


def test_two_points_of_one_name_are_refused() -> None:
    with pytest.raises(ValueError, match='two points have the id "a"'):
        _ = Points([Point("a", {}), Point("a", {})]).by_id


def test_ids_are_a_tuple_with_a_fast_look_up() -> None:
    ids = Ids(("b", "a"))
    assert ids == ("b", "a")
    assert "a" in ids
    assert "c" not in ids
    assert isinstance(front([Point("x", {})], objectives("quality")).on_front, Ids)


def many(count: int) -> Points:
    """A trade-off surface with noise, on which hundreds of points are on the front."""
    draw = random.Random(1)
    points: list[Point] = []
    for number in range(count):
        size, time_ms, lost = (draw.random() for _ in range(3))
        quality = 0.95 - 0.1 * lost - 0.02 / (0.1 + size) - 0.01 / (0.1 + time_ms)
        values = {"size_bytes": 90e6 * (0.1 + size), "latency_p50_ms": 8 * (0.1 + time_ms)}
        values["quality"] = quality
        found = {key: MetricValue(key, v, v * 0.99, v * 1.01) for key, v in values.items()}
        points.append(Point(f"{number:05d}", found, quality_p=draw.random()))
    return Points(points)


def test_fifty_thousand_points_take_no_time() -> None:
    points, judged = many(50_000), objectives("quality", "size_bytes", "latency_p50_ms")
    for objective in judged:
        points.values(objective.key)
        points.ends(objective.key)
    limits = [MaxDrop(0.05), Constraint("size_bytes", 60e6)]

    def seconds() -> float:
        start = time.process_time()
        found = front(points, judged)
        recommend(points, limits, judged, points[0])
        assert len(found.on_front) > 50
        assert len(found.statistically_on_front) > len(found.on_front)
        return time.process_time() - start

    assert min(seconds() for _ in range(3)) < 1.0  # 0.2 s on an idle core
