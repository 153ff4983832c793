"""The frontier against brute force, and every tie, duplicate, infinity and gap written out."""

from __future__ import annotations

import itertools
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from paretoscope.errors import ParetoscopeError
from paretoscope.frontier import pareto
from paretoscope.frontier.front import Frontier, front
from paretoscope.frontier.limits import Constraint, MaxDrop
from paretoscope.frontier.points import Point, against_baseline, clear_loss, objectives
from paretoscope.frontier.recommend import ONLY_ONE, recommend
from paretoscope.trials.trial import MetricValue

INF, NAN = math.inf, math.nan
SIZE_QUALITY = objectives("size_bytes", "quality")
ALL = objectives("size_bytes", "quality", "latency_p50_ms")
KEYS = ("size_bytes", "latency_p50_ms", "peak_memory_bytes")


def at(
    point_id: str,
    size: float | None,
    quality: float | None,
    p50: float | None = None,
    *,
    half: float = 0.0,
    p: float | None = None,
) -> Point:
    """A point; `half` is half the width of the interval of its quality."""
    given_values = {
        "size_bytes": (size, 0.0),
        "quality": (quality, half),
        "latency_p50_ms": (p50, 0.0),
    }
    values = {
        key: None if v is None else MetricValue(key, v, v - h, v + h)
        for key, (v, h) in given_values.items()
    }
    return Point(point_id, values, quality_p=p)


def lower(*vectors: tuple[float, ...]) -> list[Point]:
    """Points in metrics where lower is better, called 0, 1, 2 ..."""
    return [
        Point(str(i), {k: MetricValue(k, x) for k, x in zip(KEYS, v, strict=False)})
        for i, v in enumerate(vectors)
    ]


def brute_front(vectors: list[tuple[float, ...]]) -> set[int]:
    def beaten(i: int) -> bool:
        return any(
            all(a <= b for a, b in zip(v, vectors[i], strict=True)) and v != vectors[i]
            for v in vectors
        )

    return {i for i in range(len(vectors)) if not beaten(i)}


# --- dominance ------------------------------------------------------------------------------------


def test_dominance_of_every_pair_of_ties_and_infinities() -> None:
    vectors = list(itertools.product((-INF, -1.0, 0.0, 1.0, INF), repeat=2))
    for a, b in itertools.product(vectors, repeat=2):
        expected = a[0] <= b[0] and a[1] <= b[1] and (a[0] < b[0] or a[1] < b[1])
        assert pareto.dominates(a, b) == expected
        found = front(lower(a, b), objectives(*KEYS[:2]))
        assert ("1" in found.dominated) == expected
        assert found.dominators("1") == (("0",) if expected else ())


small = st.sampled_from([-INF, -1.0, 0.0, 0.5, 1.0, 2.0, INF])


@settings(deadline=None)
@given(
    st.integers(1, 3).flatmap(lambda n: st.lists(st.tuples(*[small] * n), min_size=1, max_size=12))
)
def test_front_is_what_brute_force_finds(vectors: list[tuple[float, ...]]) -> None:
    found = front(lower(*vectors), objectives(*KEYS[: len(vectors[0])]))
    expected = brute_front(vectors)
    assert {int(point_id) for point_id in found.on_front} == expected
    assert {int(point_id) for point_id in found.dominated} == set(range(len(vectors))) - expected
    xs = [vectors[int(point_id)][0] for point_id in found.on_front]
    assert xs == sorted(xs)
    for point_id in found.dominated:
        beaten_by = {
            i for i, v in enumerate(vectors) if pareto.dominates(v, vectors[int(point_id)])
        }
        assert {int(other) for other in found.dominators(point_id)} == beaten_by
        assert set(found.dominators(point_id)) & set(found.on_front)


def test_direction_comes_from_the_metric_table() -> None:
    found = front([at("big", 90, 0.96), at("small", 20, 0.95), at("bad", 30, 0.90)], SIZE_QUALITY)
    assert found.on_front == ("small", "big")
    assert found.dominators("bad") == ("small",)
    reverse = front(
        [at("big", 90, 0.96), at("small", 20, 0.95)], objectives("quality", "size_bytes")
    )
    assert reverse.on_front == (
        "small",
        "big",
    )  # along x means small to large also where high is better


def test_duplicates_share_their_fate() -> None:
    found = front(
        [at("a", 20, 0.95), at("b", 20, 0.95), at("c", 30, 0.95), at("d", 30, 0.95)], SIZE_QUALITY
    )
    assert found.on_front == ("a", "b")
    assert found.dominated == ("c", "d")
    assert found.dominators("c") == ("a", "b")


def test_missing_and_nan_are_listed_aside_and_never_compared() -> None:
    found = front(
        [at("a", 20, 0.95), at("none", None, 0.99), at("nan", 1, NAN), Point("empty", {})],
        SIZE_QUALITY,
    )
    assert found.on_front == ("a",)
    assert found.dominated == ()
    assert dict(found.not_comparable) == {
        "none": ("size_bytes",),
        "nan": ("quality",),
        "empty": ("size_bytes", "quality"),
    }
    assert found.dominators("none") == ()
    assert found.needed("none") == ()


def test_a_metric_that_is_no_objective_may_be_missing() -> None:
    assert front([at("a", 20, 0.95, None)], SIZE_QUALITY).on_front == ("a",)


def test_nothing_in_nothing_out() -> None:
    found = front([], SIZE_QUALITY)
    assert (
        found.on_front,
        found.step,
        found.knee,
        found.hypervolume(),
        found.statistically_on_front,
    ) == ((), (), None, 0.0, ())


def test_misuse_is_refused() -> None:
    with pytest.raises(ValueError, match='id "a"'):
        front([at("a", 1, 1), at("a", 2, 2)], SIZE_QUALITY)
    with pytest.raises(ValueError, match="objective"):
        front([], ())
    with pytest.raises(ParetoscopeError, match='did you mean "quality"'):
        objectives("qualty")


# --- intervals ------------------------------------------------------------------------------------


def test_a_point_whose_interval_overlaps_the_front_is_statistically_on_it() -> None:
    points = [
        at("front", 20, 0.95, half=0.01),
        at("overlaps", 21, 0.945, half=0.01),
        at("clearly", 21, 0.90, half=0.01),
    ]
    assert front(points, SIZE_QUALITY).statistically_on_front == ("front", "overlaps")


def test_an_exactly_equal_size_does_not_save_a_clear_loss() -> None:
    points = [
        at("front", 20, 0.95, half=0.01),
        at("worse", 20, 0.90, half=0.01),
        at("touches", 20, 0.93, half=0.01),
    ]
    found = front(points, SIZE_QUALITY)
    assert found.statistically_on_front == (
        "front",
        "touches",
    )  # .94 against .94: no end is worse than the other


@given(st.lists(st.tuples(small, small), min_size=1, max_size=8))
def test_without_intervals_only_the_front_is_statistically_on_it(
    vectors: list[tuple[float, float]],
) -> None:
    found = front(lower(*vectors), objectives(*KEYS[:2]))
    assert found.statistically_on_front == found.on_front


def test_half_an_interval_and_a_nan_end_count_as_the_value() -> None:
    value = Point("a", {"quality": MetricValue("quality", 0.9, None, NAN)})
    assert value.interval("quality") == (0.9, 0.9)
    assert value.interval("size_bytes") is None


# --- the line, the knee, the volume ---------------------------------------------------------------


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


grid = st.integers(0, 5).map(float)


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


# --- what would it take ---------------------------------------------------------------------------


def test_what_a_dominated_point_needs() -> None:
    found = front(
        [at("small", 10e6, 0.90), at("good", 20e6, 0.95), at("p", 25e6, 0.93)], SIZE_QUALITY
    )
    needed = {each.metric: each for each in found.needed("p")}
    assert needed["size_bytes"].bound == 20e6
    assert needed["size_bytes"].change == -5e6
    assert needed["quality"].bound == 0.95
    assert needed["quality"].change == pytest.approx(0.02)
    assert needed["quality"].in_words() == "accuracy above 95.0 % (+2.0 points)"
    assert found.needed("good") == ()


@settings(deadline=None)
@given(st.lists(st.tuples(grid, grid, grid), min_size=2, max_size=8))
def test_past_the_needed_bound_is_on_the_front_and_short_of_it_is_not(
    vectors: list[tuple[float, ...]],
) -> None:
    chosen = objectives(*KEYS)
    found = front(lower(*vectors), chosen)
    for point_id in found.dominated:
        for each in found.needed(point_id):
            place = KEYS.index(each.metric)
            for step, on_front in ((-0.5, True), (0.5, False)):
                moved = list(vectors)
                changed = list(moved[int(point_id)])
                changed[place] = each.bound + step
                moved[int(point_id)] = tuple(changed)
                assert (point_id in front(lower(*moved), chosen).on_front) == on_front


# --- limits and the recommendation ----------------------------------------------------------------

BASE = at("fp32", 90e6, 0.960, 8.0, half=0.012)
STUDIES = [
    BASE,
    at("int8", 23e6, 0.958, 3.7, half=0.012, p=0.80),
    at("ffn-50 int8", 18e6, 0.951, 2.6, half=0.013, p=0.21),
    at("student-3 int8", 17e6, 0.948, 2.0, half=0.014, p=0.09),
    at("student-1 int8", 13e6, 0.890, 0.9, half=0.02, p=1e-9),
    at("int2", 8e6, 0.30, 3.9, half=0.03, p=0.0),
]


def test_no_clear_loss_goes_before_a_smaller_model_that_clearly_loses() -> None:
    found = recommend(STUDIES, [], ALL, BASE)
    assert (found.best, found.runner_up) == ("student-3 int8", "ffn-50 int8")
    assert (
        found.reason
        == "student-3 int8: 94.8 % (-1.2 points, p = .09: no clear loss), 4.00x faster, 5.29x"
        " smaller. 6 models are on the front within the limits, 2 of them with a clear loss of"
        " accuracy; of the others this is the best compromise of size on disk, accuracy and"
        " latency p50."
    )


@pytest.mark.parametrize(("p", "best"), [(0.0501, "safe"), (0.9, "quick")])
def test_a_loss_counts_for_as_much_as_it_is_sure(p: float, best: str) -> None:
    points = [
        BASE,
        at("safe", 20e6, 0.963, 7.0, half=0.01, p=0.5),
        at("quick", 20e6, 0.945, 6.8, half=0.01, p=p),
    ]
    assert recommend(points, [MaxDrop(0.02)], ALL, BASE).best == best


def test_a_limit_moves_the_pick_and_its_slack_is_said() -> None:
    limits = [Constraint("size_bytes", 15e6), Constraint("latency_p50_ms", 5.0), MaxDrop(0.10)]
    found = recommend(STUDIES, limits, ALL, BASE)
    assert found.best == "student-1 int8"
    assert found.feasible == ("student-1 int8",)
    assert found.runner_up is None
    assert found.slack[limits[0]] == pytest.approx(2e6)
    assert found.slack[limits[2]] == pytest.approx(0.03)
    assert found.nearest_limit == limits[0]  # 2 of a range of 82 MB is nearer than 3 of 66 points
    assert found.why == ONLY_ONE


def test_when_all_clearly_lose_the_knee_is_taken() -> None:
    points = [
        BASE,
        *(
            at(str(size), size, quality, half=0.001, p=0.0)
            for size, quality in ((5e6, 0.50), (20e6, 0.90), (60e6, 0.91))
        ),
    ]
    found = recommend(points, [], SIZE_QUALITY, BASE)
    assert found.best == str(20e6) == front(points, SIZE_QUALITY).knee
    assert "loses accuracy significantly" in found.reason


def test_one_point_better_in_everything() -> None:
    points = [BASE, at("tiny", 5e6, 0.97, 1.0, p=0.5), at("other", 6e6, 0.96, 2.0, p=0.5)]
    found = recommend(points, [], ALL, BASE)
    assert (found.best, found.runner_up) == ("tiny", "other")
    assert "dominates the other 2 models" in found.reason


def test_the_baseline_is_kept_when_only_it_fits() -> None:
    found = recommend(STUDIES, [MaxDrop(0.001)], ALL, BASE)
    assert (found.best, found.runner_up) == ("fp32", None)


def test_without_quality_among_the_objectives_it_is_not_judged() -> None:
    found = recommend(STUDIES, [], objectives("size_bytes"), BASE)
    assert found.best == "int2"


def test_no_point_feasible_says_which_limit_and_by_how_much() -> None:
    limits = [Constraint("latency_p50_ms", 3.0), MaxDrop(0.003)]
    found = recommend(STUDIES, limits, ALL, BASE)
    assert found.best is None
    assert found.feasible == ()
    # int8 is 0.7 of 7.1 ms away from the latency, ffn-50 .006 of .66 from the drop: the drop is
    # nearer.
    (only,) = found.too_tight
    assert (found.closest, only.limit) == ("ffn-50 int8", limits[1])
    assert (only.bound, only.by) == (pytest.approx(0.009), pytest.approx(0.006))
    assert recommend(STUDIES, [limits[0], MaxDrop(only.bound)], ALL, BASE).best == "ffn-50 int8"
    assert (
        found.reason
        == "No model meets every limit. ffn-50 int8 comes closest: Accuracy drop ≤ 0.300 points is"
        " too tight by 0.600 points (0.900 points would do)."
    )


def test_when_one_limit_does_not_do_all_that_must_give_way_are_named() -> None:
    found = recommend(
        STUDIES, [Constraint("size_bytes", 1e6), Constraint("latency_p50_ms", 0.1)], ALL, BASE
    )
    assert len(found.too_tight) == 2
    assert "Size on disk ≤ 1.00 MB is too tight by" in found.reason
    assert "Latency p50 ≤ 0.100 ms is too tight by" in found.reason


def test_exactly_on_a_limit_is_within_it_whatever_the_rounding() -> None:
    assert 0.96 - 0.94 > 0.02
    points = [at("base", 2, 0.96), at("p", 1, 0.94)]
    limit = MaxDrop(0.02)
    assert limit.slack(points[1], points[0]) == 0.0
    assert Constraint("quality", 0.94).slack(points[1], None) == 0.0
    assert (
        recommend(points, [limit, Constraint("size_bytes", 1)], SIZE_QUALITY, points[0]).best == "p"
    )


def test_limits_follow_the_direction_of_their_metric() -> None:
    assert Constraint("quality", 0.95).slack(at("a", 1, 0.96), None) == pytest.approx(0.01)
    assert Constraint("size_bytes", 10).slack(at("a", 12, 0.96), None) == -2
    worse_is_more = MaxDrop(0.5, metric="latency_p50_ms")
    assert worse_is_more.slack(at("a", 1, 1, 3.0), at("b", 1, 1, 2.0)) == pytest.approx(-0.5)
    assert worse_is_more.in_words() == "Latency p50 rise ≤ 0.500 ms"


def test_an_unmeasured_metric_under_a_limit_is_not_feasible() -> None:
    points = [at("a", 10, 0.95), at("b", 20, 0.96, 1.0)]
    assert recommend(points, [Constraint("latency_p50_ms", 5)], SIZE_QUALITY).feasible == ("b",)
    assert recommend(points[:1], [Constraint("latency_p50_ms", 5)], SIZE_QUALITY).reason.startswith(
        "No model has been measured"
    )


def test_infinite_limits_and_values_are_values() -> None:
    points = [at("a", 10, 0.95), at("b", INF, 0.96)]
    assert recommend(points, [Constraint("size_bytes", INF)], SIZE_QUALITY).feasible == ("a", "b")
    assert recommend(points, [Constraint("size_bytes", 1e9)], SIZE_QUALITY).feasible == ("a",)


def test_limits_that_cannot_be_checked_are_refused_in_a_sentence() -> None:
    with pytest.raises(ParetoscopeError, match="measure the baseline"):
        recommend(STUDIES, [MaxDrop(0.01)], ALL)
    with pytest.raises(ParetoscopeError, match="not a number"):
        Constraint("size_bytes", NAN)
    with pytest.raises(ParetoscopeError, match="did you mean"):
        Constraint("size_byte", 1)


def test_a_loss_is_clear_by_the_paired_test_else_by_intervals() -> None:
    assert clear_loss(at("a", 1, 0.95, p=0.04), BASE) is True
    assert clear_loss(at("a", 1, 0.90, p=0.05), BASE) is False
    assert clear_loss(at("a", 1, 0.97, p=0.001), BASE) is False  # a gain is no loss
    assert clear_loss(at("a", 1, 0.94, half=0.01), BASE) is False
    assert clear_loss(at("a", 1, 0.93, half=0.01), BASE) is True
    assert clear_loss(at("a", 1, None), BASE) is None
    assert clear_loss(at("a", 1, 0.9), None) is None


def test_words_against_the_baseline_say_the_direction() -> None:
    assert (
        against_baseline(at("a", 180e6, 0.97, 16.0), BASE)
        == "97.0 % (+1.0 points), 2.00x slower, 2.00x larger"
    )
    assert against_baseline(at("a", None, None), BASE) == ""


def test_a_speed_up_that_may_be_one_is_no_change_and_equal_files_are_the_same_size() -> None:
    values = {
        "speedup": MetricValue("speedup", 1.02, 0.98, 1.05),
        "size_bytes": MetricValue("size_bytes", 90.0001e6),
    }
    assert against_baseline(Point("a", values), BASE) == "no clear change of speed, the same size"
    faster = {"speedup": MetricValue("speedup", 1.2, 1.1, 1.3)}
    assert against_baseline(Point("a", faster, noisy=True), BASE) == "1.20x faster (noisy)"


@settings(deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(1, 4), st.integers(1, 4), st.sampled_from([None, 0.01, 0.5])),
        min_size=1,
        max_size=8,
    ),
    st.integers(1, 4),
)
def test_a_recommendation_is_feasible_on_the_front_and_does_not_depend_on_order(
    rows: list[tuple[int, int, float | None]], limit: int
) -> None:
    points = [at(str(i), size, quality / 10, p=p) for i, (size, quality, p) in enumerate(rows)]
    found = recommend(points, [Constraint("size_bytes", limit)], SIZE_QUALITY, points[0])
    within = [p for p in points if (p.value("size_bytes") or 0) <= limit]
    assert set(found.feasible) == {p.id for p in within}
    assert (found.best is None) == (not within) == bool(found.too_tight)
    if found.best:
        assert found.best in front(within, SIZE_QUALITY).on_front
        assert found.runner_up != found.best
    backwards = recommend(points[::-1], [Constraint("size_bytes", limit)], SIZE_QUALITY, points[0])
    assert (backwards.best, backwards.runner_up, backwards.closest) == (
        found.best,
        found.runner_up,
        found.closest,
    )


def test_a_thousand_points_take_no_time() -> None:
    points = [at(str(i), (i * 7919) % 1009, ((i * 104729) % 1013) / 1013) for i in range(1000)]
    found = front(points, SIZE_QUALITY)
    assert isinstance(found, Frontier)
    assert len(found.on_front) + len(found.dominated) == 1000
