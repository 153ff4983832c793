"""A prediction with an interval from a few dozen points: kernel ridge regression, and its own
leave-one-out errors.

What the numbers stand for is `whatif/estimate.py`'s. The interval is conformal: it is as wide as
the errors at the points themselves were, each predicted without itself, so it needs no belief about
their distribution.
"""

from __future__ import annotations

import itertools
import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
LENGTHS = (0.7, 1.5, 3.0)
NOISES = (0.003, 0.03, 0.3)
"""Tried for every question: how far one point tells about another, and how much of a value is
chance.
"""


class Prediction(NamedTuple):
    """`value` +- `half`, which covered the share `level` of the points when each was left out."""

    value: float
    half: float
    level: float


def predict(x: Array, y: Array, at: Array, level: float = 0.9) -> Prediction:
    """Predict y at `at` [d] from `x` [n, d] and `y` [n], for something that is 0 at the origin.

    The kernel is a sum of a linear one (the trend) and a Gaussian one (the bends). Leaving out
    point i costs nothing extra: with A = K + noise, its error is (A^-1 y)_i / (A^-1)_ii and its
    variance 1 / (A^-1)_ii (Sundararajan and Keerthi 2001, doi:10.1162/08997660151134343). The
    half-width is the standard deviation at `at` times the quantile of the left-out errors over
    theirs (Lei et al. 2018, doi:10.1080/01621459.2017.1307116): wide where no point is near. With n
    points a level above n / (n + 1) cannot be had; then that is the level.

    >>> x = np.linspace(0, 2, 21)[:, None]
    >>> found = predict(x, 2 * x[:, 0], np.array([1.5]))
    >>> round(found.value, 1), found.half < 0.2
    (3.0, True)
    """
    count = len(y)
    scale = float(np.sqrt(np.mean(np.square(y)))) or 1.0
    # At the origin the answer is known: no change, no difference.
    rows, targets = np.vstack([np.zeros_like(at), x]), np.concatenate([[0.0], y / scale])
    best: tuple[float, Array, float, float] | None = None
    for length, noise in itertools.product(LENGTHS, NOISES):
        inverse = np.linalg.inv(_kernel(rows, rows, length) + noise * np.eye(count + 1))
        weights = inverse @ targets
        errors, spreads = (weights / inverse.diagonal())[1:], np.sqrt(1 / inverse.diagonal())[1:]
        # Minus the log density of the left-out points, at the overall scale that suits them best.
        doubt = float(
            np.log(spreads).mean() + 0.5 * np.log(np.square(errors / spreads).mean() + 1e-12)
        )
        if best is None or doubt < best[0]:
            near = _kernel(at[None], rows, length)[0]
            spread = math.sqrt(
                max(
                    float(
                        _kernel(at[None], at[None], length)[0, 0] + noise - near @ inverse @ near
                    ),
                    0.0,
                )
            )
            place = min(count, math.ceil((count + 1) * level)) - 1
            factor = float(np.sort(np.abs(errors) / spreads)[place])
            best = doubt, np.array([near @ weights, factor * spread]), length, noise
    assert best is not None
    value, half = best[1] * scale
    return Prediction(float(value), float(half), min(level, count / (count + 1)))


def _kernel(a: Array, b: Array, length: float) -> Array:
    """[n, m] from points [n, d] and [m, d]."""
    distances = np.square(a[:, None, :] - b[None, :, :]).sum(axis=2)
    return a @ b.T / a.shape[1] + np.exp(-distances / (2 * length**2))
