"""Bits of each matrix, 2, 4 or 8, within a budget: an exact small knapsack.

Every matrix gets one width; the sum of costs is at most the budget; the sum of errors is minimal.
Costs are in units of their greatest common divisor, so the dynamic programme is exact. If odd sizes
make too many units, costs are rounded up to a coarser unit, which respects the budget and may leave
one unit for each matrix unused. The error of a width is measured in `widths.py`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np

from paretoscope.recipes.stages import BITS

MOST_UNITS = 20_000
"""Units of a budget; above, the unit is coarser."""


def allocate(
    sizes: Sequence[int], errors: Sequence[Mapping[int, float]], average_bits: float
) -> list[int]:
    """Bits for each matrix.

    `sizes[i]` is its number of weights, `errors[i][bits]` its error at each width in `BITS`. The
    average, weighted by size, is at most `average_bits`; no other such choice has a smaller total
    error.

    >>> allocate([10, 10], [{2: 9.0, 4: 5.0, 8: 0.0}, {2: 9.0, 4: 1.0, 8: 0.0}], 6)
    [8, 4]
    """
    return cheapest(
        [{bits: size * bits for bits in BITS} for size in sizes],
        errors,
        math.floor(average_bits * sum(sizes) + 1e-6),
    )


def cheapest(
    costs: Sequence[Mapping[int, int]], errors: Sequence[Mapping[int, float]], budget: int
) -> list[int]:
    """The widths with the least sum of errors whose sum of `costs[i][width]` is at most `budget`.

    The cost of an item rises with its width. If the smallest widths exceed the budget, these are
    returned.
    """
    least = [cost[BITS[0]] for cost in costs]
    room = budget - sum(least)
    extra = [
        {bits: cost[bits] - low for bits in BITS} for cost, low in zip(costs, least, strict=True)
    ]
    room = min(room, sum(cost[BITS[-1]] for cost in extra))
    if room <= 0:
        return [BITS[0]] * len(costs)
    unit = max(
        math.gcd(*(value for cost in extra for value in cost.values())),
        math.ceil(room / MOST_UNITS),
    )
    units = [{bits: math.ceil(value / unit) for bits, value in cost.items()} for cost in extra]
    return _walk(units, errors, room // unit)


def _walk(
    costs: Sequence[Mapping[int, int]], errors: Sequence[Mapping[int, float]], units: int
) -> list[int]:
    """best[u] is the least error of the matrices so far within u units; choices are traced back."""
    best = np.zeros(units + 1)
    choices: list[np.ndarray] = []
    for cost, error in zip(costs, errors, strict=True):
        options = np.full((len(BITS), units + 1), np.inf)
        for row, bits in enumerate(BITS):
            if cost[bits] <= units:
                options[row, cost[bits] :] = best[: units + 1 - cost[bits]] + error[bits]
        choices.append(options.argmin(axis=0))
        best = options.min(axis=0)
    chosen: list[int] = []
    for cost, choice in zip(reversed(costs), reversed(choices), strict=True):
        chosen.append(BITS[int(choice[units])])
        units -= cost[chosen[-1]]
    return chosen[::-1]
