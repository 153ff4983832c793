"""Limits and the recommendation under them."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from paretoscope.errors import ParetoscopeError
from paretoscope.frontier.front import Frontier, front
from paretoscope.frontier.limits import Constraint, MaxDrop
from paretoscope.frontier.points import Point, against_baseline, clear_loss, objectives
from paretoscope.frontier.recommend import ONLY_ONE, recommend
from paretoscope.trials.trial import MetricValue
from tests.frontier.vectors import ALL, INF, NAN, SIZE_QUALITY, at

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
        == "student-3 int8: 94.8 % (-1.2 points, p = .09: borderline, probably a loss), 4.00x"
        " faster, 5.29x smaller. 6 models are on the front within the limits, 2 of them with a"
        " clear loss of accuracy; of the others this is the best compromise of size on disk,"
        " accuracy and latency p50."
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
    assert (
        against_baseline(Point("a", values), BASE) == "no measurable change of speed, the same size"
    )
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


def test_a_reference_point_is_no_candidate() -> None:
    point = at("TF-IDF", 1e6, 0.955, 0.05, p=0.4, is_reference=True)
    found, plain = recommend([*STUDIES, point], [], ALL, BASE), recommend(STUDIES, [], ALL, BASE)
    assert (found.best, found.runner_up, found.feasible) == (
        plain.best,
        plain.runner_up,
        plain.feasible,
    )
    assert recommend([point], [], ALL).best is None


@pytest.mark.parametrize(("quality", "named"), [(0.955, True), (0.947, False)])
def test_a_reference_point_that_dominates_the_recommended_model_is_named(
    quality: float, named: bool
) -> None:
    point = at("TF-IDF", 1e6, quality, 0.05, p=0.4, is_reference=True)
    found, plain = recommend([*STUDIES, point], [], ALL, BASE), recommend(STUDIES, [], ALL, BASE)
    added = found.why.removeprefix(plain.why)
    assert added.startswith(" The reference point TF-IDF dominates it") == named
    assert bool(added) == named


def test_a_noisy_session_is_not_ranked_where_time_counts() -> None:
    noisy = replace(at("noisy", 15e6, 0.960, 1.0, half=0.01, p=0.9), noisy=True)
    points = [BASE, noisy, at("quiet", 20e6, 0.958, 3.0, half=0.01, p=0.8)]
    found = recommend(points, [], ALL, BASE)
    assert found.best == "quiet"
    assert "1 model of a noisy session is not ranked" in found.why
    assert "noisy" in found.feasible
    assert recommend(points, [], SIZE_QUALITY, BASE).best == "noisy"
    assert recommend([noisy], [], ALL).best == "noisy", "nothing else is left"
