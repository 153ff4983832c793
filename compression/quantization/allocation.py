"""Which matrix gets 2, 4 or 8 bits, so that their average meets a number between: an exact small knapsack.

Every matrix takes one width; the widths' total weight bits must not exceed the budget; the sum of errors
is the least possible. Costs are counted in units of the matrices' greatest common divisor, so the dynamic
programme is exact; for odd shapes with too many units, costs are rounded up to a coarser unit, which keeps
the budget and may leave at most one unit a matrix unspent.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np

from compression.recipe import BITS

MOST_UNITS = 20_000


def allocate(sizes: Sequence[int], errors: Sequence[Mapping[int, float]], average_bits: float) -> list[int]:
    """Bits for each matrix.

    `sizes[i]` is its number of weights, `errors[i][bits]` its error at each width in `BITS`. The result's
    average, weighted by size, is at most `average_bits`, and no other such choice has a smaller total error.

    >>> allocate([10, 10], [{2: 9.0, 4: 5.0, 8: 0.0}, {2: 9.0, 4: 1.0, 8: 0.0}], 6)
    [8, 4]
    """
    if average_bits in BITS:
        return [int(average_bits)] * len(sizes)
    unit = math.gcd(*sizes) * BITS[0]
    budget = average_bits * sum(sizes)
    unit = max(unit, math.ceil(budget / MOST_UNITS))
    units = int(budget / unit + 1e-9)
    costs = [{bits: math.ceil(size * bits / unit) for bits in BITS} for size in sizes]
    return _cheapest(costs, errors, units)


def _cheapest(costs: Sequence[Mapping[int, int]], errors: Sequence[Mapping[int, float]], units: int) -> list[int]:
    """best[u] = least error of the matrices so far within u units; the choices are walked back from the end."""
    best = np.zeros(units + 1)
    choices: list[np.ndarray] = []
    for cost, error in zip(costs, errors, strict=True):
        options = np.full((len(BITS), units + 1), np.inf)
        for row, bits in enumerate(BITS):
            if cost[bits] <= units:
                options[row, cost[bits] :] = best[: units + 1 - cost[bits]] + error[bits]
        choices.append(options.argmin(axis=0))
        best = options.min(axis=0)
    if not np.isfinite(best[units]):
        return [BITS[0]] * len(costs)
    chosen: list[int] = []
    for cost, choice in zip(reversed(costs), reversed(choices), strict=True):
        chosen.append(BITS[choice[units]])
        units -= cost[chosen[-1]]
    return chosen[::-1]
