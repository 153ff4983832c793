"""Kernel ridge regression on a few dozen points, with leave-one-out prediction intervals.

What the numbers mean is in `whatif/ratios.py`. The intervals are conformal: their width follows
from the errors at the points, each predicted without itself, so no distribution of errors is
assumed.
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
"""Hyperparameters that are tried: length scale of the kernel, and variance of the noise."""


class Prediction(NamedTuple):
    """`value` +- `half`, which covers the share `level` of the points when each is left out."""

    value: float
    half: float
    level: float


def predict(x: Array, y: Array, at: Array, level: float = 0.9) -> Prediction:
    """Predict y at `at` [d] from `x` [n, d] and `y` [n]; y is 0 at the origin.

    >>> x = np.linspace(0, 2, 21)[:, None]
    >>> found = predict(x, 2 * x[:, 0], np.array([1.5]))
    >>> round(found.value, 1), found.half < 0.2
    (3.0, True)
    """
    return Regression(x, y, level).at(at)


class Regression:
    """A fit to `x` [n, d] and `y` [n], made once for many predictions; y is 0 at the origin.

    The kernel is the sum of a linear one (the trend) and a Gaussian one (deviations from it).
    Leaving out a point has a closed form: with A = K + noise, the error at point i is
    (A^-1 y)_i / (A^-1)_ii and its variance 1 / (A^-1)_ii (Sundararajan and Keerthi 2001,
    doi:10.1162/08997660151134343). The half-width is the standard deviation at a point times the
    quantile of the standardized leave-one-out errors (Lei et al. 2018,
    doi:10.1080/01621459.2017.1307116): it is large far from all points. With n points the level is
    at most n / (n + 1).
    """

    def __init__(self, x: Array, y: Array, level: float = 0.9) -> None:
        count = len(y)
        self._scale = float(np.sqrt(np.mean(np.square(y)))) or 1.0
        # The origin is a point: no change, no difference.
        self._rows = np.vstack([np.zeros(x.shape[1]), x])
        targets = np.concatenate([[0.0], y / self._scale])
        fits = [_fit(self._rows, targets, *each) for each in itertools.product(LENGTHS, NOISES)]
        self._best = min(fits, key=lambda fit: fit.loss)
        index = min(count, math.ceil((count + 1) * level)) - 1
        self._factor = float(np.sort(self._best.standardized_errors)[index])
        self._level = min(level, count / (count + 1))

    def at(self, at: Array) -> Prediction:
        """The prediction at `at` [d]."""
        best = self._best
        near = _kernel(at[None], self._rows, best.length)[0]
        prior = float(_kernel(at[None], at[None], best.length)[0, 0])
        variance = prior + best.noise - float(near @ best.inverse @ near)
        value = float(near @ best.weights) * self._scale
        half = self._factor * math.sqrt(max(variance, 0.0)) * self._scale
        return Prediction(value, half, self._level)


class _Fit(NamedTuple):
    """A fit to the points and the origin [n + 1], and its leave-one-out errors [n]."""

    loss: float
    length: float
    noise: float
    inverse: Array
    weights: Array
    standardized_errors: Array


def _fit(rows: Array, targets: Array, length: float, noise: float) -> _Fit:
    gram = _kernel(rows, rows, length) + noise * np.eye(len(rows))
    inverse = np.asarray(np.linalg.inv(gram), dtype=np.float64)
    weights = inverse @ targets
    errors = (weights / inverse.diagonal())[1:]
    spreads = np.sqrt(1 / inverse.diagonal())[1:]
    # Negative log density of the left-out points, at the overall scale that maximizes it.
    density = np.square(errors / spreads).mean() + 1e-12
    loss = float(np.log(spreads).mean() + 0.5 * np.log(density))
    return _Fit(loss, length, noise, inverse, weights, np.abs(errors) / spreads)


def _kernel(a: Array, b: Array, length: float) -> Array:
    """Kernel [n, m] of points [n, d] and [m, d]."""
    distances = np.square(a[:, None, :] - b[None, :, :]).sum(axis=2)
    return a @ b.T / a.shape[1] + np.exp(-distances / (2 * length**2))
