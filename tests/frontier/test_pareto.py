"""Step line, knee and hypervolume."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from paretoscope.frontier import pareto
from paretoscope.frontier.front import front
from paretoscope.frontier.points import objectives
from tests.frontier.vectors import ALL, INF, KEYS, SIZE_QUALITY, at, grid, lower


def test_step_line_turns_at_the_corner_that_is_worse_in_both() -> None:
    points = [at("a", 10, 0.90), at("b", 20, 0.95), at("c", 90, 0.96), at("dominated", 95, 0.91)]
    assert front(points, SIZE_QUALITY).step == (
        (10, 0.90),
        (20, 0.90),
        (20, 0.95),
        (90, 0.95),
        (90, 0.96),
    )


def test_step_line_runs_along_x_also_where_high_is_better() -> None:
    points = [at("a", 10, 0.90), at("b", 20, 0.95)]
    assert front(points, objectives("quality", "size_bytes")).step == (
        (0.90, 10),
        (0.90, 20),
        (0.95, 20),
    )


def test_step_line_is_for_two_objectives_and_finite_points() -> None:
    assert front([at("a", 10, 0.9, 1)], ALL).step == ()
    assert front(lower((INF, 0), (1, 1), (1, 1)), objectives(*KEYS[:2])).step == ((1, 1),)


def test_knee_is_furthest_below_the_chord() -> None:
    points = [at("tiny", 5, 0.50), at("knee", 20, 0.95), at("mid", 50, 0.955), at("full", 90, 0.96)]
    assert front(points, SIZE_QUALITY).knee == "knee"


@pytest.mark.parametrize(
    ("vectors", "why"),
    [
        ([(0, 1), (1, 0)], "two points are their own chord"),
        ([(0, 2), (1, 1), (2, 0)], "a straight front has no knee"),
        ([(0, 2), (1.9, 1.9), (2, 0)], "a front that bends outward has none"),
        ([(0, 2), (0, 2), (2, 0)], "duplicates are one point"),
        ([(-INF, 2), (1, 1), (2, 0)], "infinities have no distance"),
    ],
)
def test_fronts_without_a_knee(vectors: list[tuple[float, float]], why: str) -> None:
    assert pareto.knee(vectors) is None, why


def test_knee_ties_are_broken_by_balance_then_by_order() -> None:
    # Stretched to 0..1 both inner points sum to .75: .125 + .625 is less balanced than .5 + .25.
    assert pareto.knee([(0, 4), (0.5, 2.5), (2, 1), (4, 0)]) == 2
    assert (
        pareto.knee([(4, 0), (2, 1), (1, 2), (0, 4)]) == 2
    )  # mirror images: the lexicographically smaller


def test_a_metric_that_does_not_vary_changes_no_knee() -> None:
    flat = [(0, 10, 7), (1, 2, 7), (10, 0, 7)]
    assert pareto.knee([v[:2] for v in flat]) == 1 == pareto.knee(flat)


def test_normalising_survives_huge_spans_and_infinities() -> None:
    assert pareto.normalised([(-1e308, 0.0), (1e308, INF), (0.0, -INF)]) == [
        (0.0, 0.0),
        (1.0, 1.0),
        (0.5, 0.0),
    ]


def test_hypervolume_of_known_fronts() -> None:
    assert pareto.hypervolume([], (1, 1)) == 0
    assert pareto.hypervolume([(0.5, 0.5)], (1, 1)) == 0.25
    assert (
        pareto.hypervolume([(1, 0), (2, 0)], (1, 1)) == 0
    )  # not better than the reference everywhere
    assert pareto.hypervolume([(0, 0, 0)], (2, 3, 4)) == 24
    assert (
        pareto.hypervolume([(1, 2, 3), (2, 1, 3), (2, 2, 1)], (4, 4, 4))
        == 6 + 6 + 12 - 4 - 4 - 4 + 4
    )
    assert pareto.hypervolume([(-INF, 0)], (1, 1)) == INF


@settings(deadline=None)
@given(
    st.integers(1, 4).flatmap(lambda n: st.lists(st.tuples(*[grid] * n), min_size=1, max_size=6))
)
def test_hypervolume_counts_the_unit_cells_that_are_dominated(
    vectors: list[tuple[float, ...]],
) -> None:
    cells = itertools.product(range(5), repeat=len(vectors[0]))
    counted = sum(
        any(all(x <= c for x, c in zip(v, cell, strict=True)) for v in vectors) for cell in cells
    )
    assert pareto.hypervolume(vectors, (5.0,) * len(vectors[0])) == pytest.approx(counted)


def test_hypervolume_of_a_frontier_states_its_reference() -> None:
    found = front([at("a", 10, 0.90), at("b", 20, 0.95), at("bad", 30, 0.85)], SIZE_QUALITY)
    assert found.reference() == pytest.approx({"size_bytes": 32, "quality": 0.84})
    assert found.hypervolume() == pytest.approx(22 * 0.06 + 12 * 0.05)
    assert found.hypervolume({"size_bytes": 30, "quality": 0.9}) == pytest.approx(10 * 0.05)
    assert found.hypervolume({"size_bytes": 30}) == 0.0


@given(st.lists(st.tuples(grid, grid), min_size=1, max_size=8), st.tuples(grid, grid))
def test_another_point_never_shrinks_the_volume(
    vectors: list[tuple[float, float]], new: tuple[float, float]
) -> None:
    assert pareto.hypervolume([*vectors, new], (6, 6)) >= pareto.hypervolume(vectors, (6, 6))
