"""The sparsity schedule of iterative pruning."""

from __future__ import annotations

import math


def cubic(step: int, steps: int, final: float, initial: float = 0.0) -> float:
    """Sparsity after `step` of `steps`, from `initial` at step 0 to `final` at the last step.

    s_t = s_f + (s_i - s_f) (1 - t/n)^3 (Zhu and Gupta 2017, arXiv:1710.01878, equation 1): fast
    while many weights are redundant, slow near the end.

    >>> [round(cubic(step, 4, 0.8), 3) for step in (0, 2, 4)]
    [0.0, 0.7, 0.8]
    """
    return final + (initial - final) * (1 - step / steps) ** 3


def kept_of(sparsity: float, kept: int, of: int) -> int:
    """Weights kept of every `of` at a sparsity on the way to an N:M pattern; at least `kept`.

    >>> [kept_of(cubic(step, 3, 0.5), 2, 4) for step in (0, 1, 2, 3)]
    [4, 3, 3, 2]
    """
    # Rounding removes floating-point error above a whole number, so that the last step does not
    # keep one weight too many.
    return max(kept, math.ceil(round(of * (1 - sparsity), 9)))
