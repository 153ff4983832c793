from __future__ import annotations

import numpy as np
import pytest
import scipy.special
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st

from paretoscope.statistics import intervals


@given(st.integers(1, 5000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_wilson_is_that_of_scipy(case: tuple[int, int]) -> None:
    successes, n = case
    reference = scipy.stats.binomtest(successes, n).proportion_ci(method="wilson")
    assert intervals.wilson(successes, n) == pytest.approx(
        (reference.low, reference.high), abs=1e-12
    )


def test_wilson_at_the_ends_stays_within_zero_and_one() -> None:
    assert intervals.wilson(0, 10)[0] == 0.0
    assert intervals.wilson(10, 10)[1] == 1.0


@pytest.mark.parametrize(("successes", "n"), [(0, 0), (-1, 5), (6, 5)])
def test_wilson_refuses_what_is_no_proportion(successes: int, n: int) -> None:
    with pytest.raises(ValueError, match="not a proportion"):
        intervals.wilson(successes, n)


@given(st.integers(0, 400), st.integers(0, 400))
def test_mcnemar_is_the_binomial_test_on_the_disagreements(lost: int, gained: int) -> None:
    reference = scipy.stats.binomtest(lost, lost + gained, 0.5).pvalue if lost + gained else 1.0
    assert intervals.mcnemar_exact(lost, gained) == pytest.approx(reference, rel=1e-9)
    assert intervals.mcnemar_exact(lost, gained) == intervals.mcnemar_exact(gained, lost)


def test_mcnemar_on_thousands_of_disagreements_does_not_overflow() -> None:
    assert intervals.mcnemar_exact(4000, 4200) == pytest.approx(
        scipy.stats.binomtest(4000, 8200, 0.5).pvalue, rel=1e-9
    )


@pytest.mark.parametrize("n", [6, 7, 20, 100, 400, 3001])
def test_median_interval_has_the_ranks_of_the_quantile_test(n: int) -> None:
    samples = np.random.default_rng(n).permutation(np.arange(1.0, n + 1))
    reference = scipy.stats.quantile_test(samples).confidence_interval(confidence_level=0.95)
    assert intervals.median_interval(samples) == (reference.low, reference.high)


def test_five_samples_bound_no_median() -> None:
    assert intervals.median_interval(np.arange(5.0)) is None
    assert intervals.median_interval(np.arange(6.0)) == (0.0, 5.0)


def test_a_quantile_without_support_is_missing() -> None:
    assert intervals.supported_quantile(np.arange(58.0), 0.95) is None
    assert intervals.supported_quantile(np.arange(59.0), 0.95) == pytest.approx(
        np.quantile(np.arange(59.0), 0.95)
    )


def test_ratio_of_medians_covers_the_truth_and_is_repeatable() -> None:
    """Turns differ by 2 % from process to process, so does every interval that knows it; 95 %
    nominal, few turns, so at least 80 %.
    """
    covered = 0
    for seed in range(60):
        random = np.random.default_rng(seed)
        over = [random.gamma(200, 0.04, 60) * random.normal(1, 0.02) for _ in range(5)]
        under = [random.gamma(200, 0.02, 60) * random.normal(1, 0.02) for _ in range(5)]
        value, low, high = intervals.ratio_of_medians(over, under, replicates=300)
        assert low <= value <= high
        covered += low <= 2.0 <= high
    assert covered >= 48
    assert intervals.ratio_of_medians(over, under) == intervals.ratio_of_medians(over, under)


def test_turns_that_differ_widen_the_ratio() -> None:
    steady = [np.full(50, 4.0), np.full(50, 4.0)]
    moving = [np.full(50, 3.0), np.full(50, 5.0)]
    assert intervals.ratio_of_medians(steady, steady) == (1.0, 1.0, 1.0)
    assert intervals.ratio_of_medians(moving, steady)[1:] == (0.75, 1.25)


def test_a_mood_that_both_sides_share_leaves_the_ratio_alone() -> None:
    moving = [np.full(50, 3.0), np.full(50, 6.0)]
    half = [turn / 2 for turn in moving]
    assert intervals.ratio_of_medians(moving, half) == (2.0, 2.0, 2.0)


def test_turns_that_do_not_pair_up_are_refused() -> None:
    with pytest.raises(ValueError, match="do not pair up"):
        intervals.ratio_of_medians([np.ones(3)], [np.ones(3), np.ones(3)])
    with pytest.raises(ValueError, match="empty"):
        intervals.ratio_of_medians([np.ones(0)], [np.ones(3)])


@settings(max_examples=50)
@given(st.integers(0, 10_000))
def test_kl_is_that_of_scipy_and_never_negative(seed: int) -> None:
    random = np.random.default_rng(seed)
    reference, other = random.normal(0, 5, (20, 4)), random.normal(0, 5, (20, 4))
    expected = scipy.stats.entropy(
        scipy.special.softmax(reference, axis=1), scipy.special.softmax(other, axis=1), axis=1
    ).mean()
    assert intervals.kl_divergence(reference, other) == pytest.approx(expected, rel=1e-7)
    assert intervals.kl_divergence(reference, reference + 3.0) == pytest.approx(0.0, abs=1e-12)


def test_kl_of_very_sure_models_is_finite() -> None:
    assert intervals.kl_divergence(np.array([[1e4, 0.0]]), np.array([[0.0, 1e4]])) == pytest.approx(
        1e4
    )
