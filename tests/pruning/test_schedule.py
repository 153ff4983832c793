"""The cubic schedule against its published formula."""

from __future__ import annotations

from itertools import pairwise

import pytest

from paretoscope.pruning.schedule import cubic, kept_of


@pytest.mark.parametrize(
    ("initial", "final", "steps"), [(0.0, 0.9, 5), (0.3, 0.8, 3), (0.5, 0.5, 2)]
)
def test_it_is_equation_1_of_zhu_and_gupta(initial: float, final: float, steps: int) -> None:
    # Their begin step is 0 and their pruning frequency 1.
    for t in range(steps + 1):
        remaining = 1 - (t - 0) / (steps * 1)
        assert cubic(t, steps, final, initial) == pytest.approx(
            final + (initial - final) * remaining * remaining * remaining
        )


def test_it_ends_exactly_and_its_rises_shrink() -> None:
    values = [cubic(step, 10, 0.9) for step in range(11)]
    rises = [after - before for before, after in pairwise(values)]
    assert values[0] == 0
    assert values[-1] == 0.9
    assert all(rise > 0 for rise in rises)
    assert rises == sorted(rises, reverse=True)


@pytest.mark.parametrize(("kept", "of"), [(1, 2), (2, 4), (1, 4), (1, 3), (7, 8), (3, 64)])
def test_an_n_of_m_pattern_is_reached_from_above(kept: int, of: int) -> None:
    on_the_way = [kept_of(cubic(step, 6, 1 - kept / of), kept, of) for step in range(7)]
    assert on_the_way[0] == of
    assert on_the_way[-1] == kept
    assert on_the_way == sorted(on_the_way, reverse=True)
