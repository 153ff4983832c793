"""HQQ: the grid of each group from a robust fit, in which a few weights may be far off. No data.

    min sum |w - q|^p,  p < 1

Half-quadratic quantization (Badri and Shaji 2023, https://mobiusml.github.io/hqq_blog) alternates
between the shrinkage operator of the p-norm, which splits off the error, and a closed-form fit of
the grid to the rest. As in the paper a real zero point is fitted and the scale kept. With integer
zero points, where zero must be a level for pruned weights, the scale is fitted by least squares,
starting from the grid of least squared error (`grid_search.py`).
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from paretoscope.quantization.packing.float16 import to_float16
from paretoscope.quantization.packing.groups import Groups, in_groups
from paretoscope.quantization.rounding.grid import Grid
from paretoscope.quantization.rounding.grid_search import searched_grid
from paretoscope.quantization.rounding.rtn import grid

P, BETA, KAPPA = 0.7, 10.0, 1.01
"""Norm, first weight of the split and its growth per iteration, as in the authors' code."""
ITERATIONS = 20
"""At most; a matrix is done when no group improves."""


def quantize_groups(
    weight: np.ndarray,
    bits: int,
    group_size: int,
    hessian: np.ndarray | None = None,
    real: bool = False,
) -> Groups:
    """Round float32 `weight` [rows, columns] in groups along its columns; `hessian` is ignored."""
    return fitted_grid(in_groups(weight, group_size), bits, real).nearest(weight, group_size)


def fitted_grid(grouped: np.ndarray, bits: int, real: bool = False) -> Grid:
    """The grid of weights [rows, groups, group size] with the least sum of |w - q|^p.

    It is the best of all iterations. Errors are in units of a level, so that the scale of the
    weights does not matter.
    """
    tried = grid(grouped, bits, real=True) if real and bits < 8 else searched_grid(grouped, bits)
    fit = _fitted_zero_point if tried.real else _fitted_scale
    unit = tried.scales[..., None]
    best, best_error = tried, np.full(tried.scales.shape, np.inf, dtype=np.float32)
    beta = BETA
    for _ in range(ITERATIONS):
        codes = tried.codes(grouped)
        difference = (grouped - tried.values(codes)) / unit
        error = (np.abs(difference) ** np.float32(P)).sum(axis=-1)
        better = error < best_error
        if not better.any():
            break
        np.copyto(best_error, error, where=better)
        best = best.better(tried, better)
        tried = fit(tried, codes, grouped - shrunk(difference, beta) * unit)
        beta *= KAPPA
    return best


def _fitted_zero_point(grid: Grid, codes: np.ndarray, weight: np.ndarray) -> Grid:
    """The real zero point of least squares for `weight` [rows, groups, group size]: a mean."""
    steps = (codes - grid.zero_points[..., None]) * grid.scales[..., None]
    return replace(grid, float_zero_points=(weight - steps).mean(axis=-1))


def _fitted_scale(grid: Grid, codes: np.ndarray, weight: np.ndarray) -> Grid:
    """The scale of least squares for `weight` [rows, groups, group size]."""
    steps = codes - grid.zero_points[..., None]
    size, fit = np.square(steps).sum(axis=-1), (weight * steps).sum(axis=-1)
    usable = (size > 0) & (fit > 0)
    fitted = to_float16(fit / np.where(usable, size, 1), positive=True)
    return replace(grid, scales=np.where(usable, fitted, grid.scales))


def shrunk(difference: np.ndarray, beta: float) -> np.ndarray:
    """The generalized soft threshold sign(x) max(0, |x| - |x|^(p-1) / beta).

    >>> shrunk(np.array([0.1, -1.0]), beta=10.0).round(2).tolist()
    [0.0, -0.9]
    """
    size = np.abs(difference)
    kept = size - np.power(np.maximum(size, np.float32(1e-9)), np.float32(P - 1)) / np.float32(beta)
    return np.sign(difference) * np.maximum(kept, 0)
