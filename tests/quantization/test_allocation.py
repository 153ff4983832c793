"""The allocation of bits, against trying everything."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from paretoscope.quantization.allocation import allocate, cheapest
from paretoscope.recipes.stages import BITS

SIZES = st.lists(st.integers(1, 12).map(lambda n: n * 8), min_size=1, max_size=5)


@settings(max_examples=80, deadline=None)
@given(
    SIZES,
    st.floats(2, 8).filter(lambda average: average not in BITS),
    st.randoms(use_true_random=False),
)
def test_it_is_the_best_choice_within_the_budget(
    sizes: list[int], average: float, random: Random
) -> None:
    errors: list[dict[int, float]] = [
        dict(zip(BITS, sorted((random.random() for _ in BITS), reverse=True), strict=True))
        for _ in sizes
    ]
    chosen = allocate(sizes, errors, average)

    def cost(bits: Sequence[int]) -> int:
        return sum(size * width for size, width in zip(sizes, bits, strict=True))

    def error(bits: Sequence[int]) -> float:
        return sum(row[width] for row, width in zip(errors, bits, strict=True))

    budget = average * sum(sizes) + 1e-6
    best = min(
        error(bits) for bits in itertools.product(BITS, repeat=len(sizes)) if cost(bits) <= budget
    )
    assert cost(chosen) <= budget
    assert error(chosen) == pytest.approx(best)


def test_a_budget_of_bytes_is_kept_and_used() -> None:
    costs = [{2: 10, 4: 21, 8: 40}, {2: 100, 4: 203, 8: 401}]
    errors = [{2: 5.0, 4: 1.0, 8: 0.0}, {2: 4.0, 4: 2.5, 8: 0.0}]
    assert cheapest(costs, errors, 441) == [8, 8]
    assert cheapest(costs, errors, 440) == [4, 8]
    assert cheapest(costs, errors, 224) == [4, 4]
    assert cheapest(costs, errors, 223) == [8, 2]
    assert cheapest(costs, errors, 50) == [2, 2]


def test_odd_sizes_stay_within_the_budget() -> None:
    sizes = [999_983, 1_000_003, 17]
    errors = [{2: 4.0, 4: 2.0, 8: 0.0}] * 3
    chosen = allocate(sizes, errors, 5.5)
    assert sum(size * bits for size, bits in zip(sizes, chosen, strict=True)) <= 5.5 * sum(sizes)
    assert chosen != [2, 2, 2]
