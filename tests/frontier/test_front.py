"""The frontier against brute force, and every tie, duplicate, infinity and gap written out."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from paretoscope.errors import ParetoscopeError
from paretoscope.frontier import pareto
from paretoscope.frontier.front import front
from paretoscope.frontier.points import Point, objectives
from paretoscope.trials.trial import MetricValue
from tests.frontier.vectors import INF, KEYS, NAN, SIZE_QUALITY, at, brute_front, grid, lower

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


# --- reference points -----------------------------------------------------------------------------


def test_reference_points_count_only_when_asked_for() -> None:
    models = [at("big", 90, 0.96), at("small", 20, 0.95), at("bad", 30, 0.90)]
    points = [*models, at("TF-IDF", 1, 0.955, is_reference=True)]
    found, plain = front(points, SIZE_QUALITY), front(models, SIZE_QUALITY)
    assert (found.on_front, found.dominated, found.references) == (
        ("small", "big"),
        ("bad",),
        ("TF-IDF",),
    )
    assert found.points["TF-IDF"].is_reference
    assert found.dominators("bad") == ("small",)
    assert found.needed("bad") == plain.needed("bad")
    assert (found.step, found.knee) == (plain.step, plain.knee)
    assert found.reference() == plain.reference()
    assert found.hypervolume() == plain.hypervolume()
    asked = front(points, SIZE_QUALITY, with_references=True)
    assert (asked.on_front, asked.references) == (("TF-IDF", "big"), ())
    assert asked.dominators("small") == ("TF-IDF",)
