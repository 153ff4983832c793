"""The interval of a change of accuracy on the same examples."""

from __future__ import annotations

import math

Z = 1.959964
"""Quantile of the normal distribution for 95 %."""


def change_interval(lost: int, gained: int, n: int) -> tuple[float, float]:
    """The 95 % interval of the change of accuracy, as a share of `n` examples.

    `lost` examples are right in the baseline only, `gained` in the model only. It is the Wald
    interval of a difference of paired proportions with half an example added to each of the four
    cells (Agresti and Min 2005, doi:10.1002/sim.1781), within [-1, 1].

    >>> low, high = change_interval(24, 20, 803)
    >>> round(low, 4), round(high, 4)
    (-0.0213, 0.0114)
    """
    down, up, total = lost + 0.5, gained + 0.5, n + 2
    middle = (up - down) / total
    half = Z * math.sqrt((up + down) - (up - down) ** 2 / total) / total
    return max(-1.0, middle - half), min(1.0, middle + half)
