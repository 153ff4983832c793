"""HQQ: each group's grid from a robust fit that lets a few weights be far off, without any data.

Half-quadratic quantization (Badri and Shaji 2023, https://mobiusml.github.io/hqq_blog) minimizes
the sum of |w - q|^p, p < 1: the error is split off by the shrinkage operator of the p-norm, then
the grid is fitted to the rest in closed form, in turns. There the scale is kept and the zero point,
a real number, is fitted; so it is here where real zero points are asked for. With integer ones zero
has to be a level, for pruned weights, and it is the scale that is fitted, to the least squares of
what the split leaves, from the grid of least squared error
(`quantization/rounding/grid_search.py`).
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from paretoscope.quantization.packing.float16 import half
from paretoscope.quantization.packing.groups import Groups, in_groups
from paretoscope.quantization.rounding.grid import Grid
from paretoscope.quantization.rounding.grid_search import searched_grid
from paretoscope.quantization.rounding.rtn import grid

P, BETA, KAPPA = 0.7, 10.0, 1.01
"""The norm, the first weight of the split and its growth in every turn, as in the authors' code."""
TURNS = 20
"""At most; a matrix is done when no group of it gets better."""


def quantize_groups(
    weight: np.ndarray,
    bits: int,
    group_size: int,
    hessian: np.ndarray | None = None,
    real: bool = False,
) -> Groups:
    """Round float32 `weight` [rows, columns] in groups along its columns; `hessian` is not used by
    this rounding.
    """
    return fitted_grid(in_groups(weight, group_size), bits, real).nearest(weight, group_size)


def fitted_grid(grouped: np.ndarray, bits: int, real: bool = False) -> Grid:
    """The grid of weights [rows, groups, group size]: that of the least sum of |w - q|^p among
    those of all turns.

    Errors are split in units of a level, so that the split is the same for small weights and for
    large ones.
    """
    tried = grid(grouped, bits, real=True) if real and bits < 8 else searched_grid(grouped, bits)
    fit = _fitted_shift if tried.real else _fitted_scale
    unit = tried.scales[..., None]
    best, best_error = tried, np.full(tried.scales.shape, np.inf, dtype=np.float32)
    beta = BETA
    for _ in range(TURNS):
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


def _fitted_shift(grid: Grid, codes: np.ndarray, weight: np.ndarray) -> Grid:
    """The real zero point that brings these codes closest to what is left of the weights [rows,
    groups, group size]: a mean.
    """
    return replace(
        grid,
        shifts=(weight - (codes - grid.zero_points[..., None]) * grid.scales[..., None]).mean(
            axis=-1
        ),
    )


def _fitted_scale(grid: Grid, codes: np.ndarray, weight: np.ndarray) -> Grid:
    """The scale that brings these codes closest to what is left of the weights: least squares."""
    steps = codes - grid.zero_points[..., None]
    size, fit = np.square(steps).sum(axis=-1), (weight * steps).sum(axis=-1)
    usable = (size > 0) & (fit > 0)
    return replace(
        grid,
        scales=np.where(usable, half(fit / np.where(usable, size, 1), positive=True), grid.scales),
    )


def shrunk(difference: np.ndarray, beta: float) -> np.ndarray:
    """The generalized soft threshold: sign(x) max(0, |x| - |x|^(p-1) / beta), the part of an error
    that is split off.

    >>> shrunk(np.array([0.1, -1.0]), beta=10.0).round(2).tolist()
    [0.0, -0.9]
    """
    size = np.abs(difference)
    kept = size - np.power(np.maximum(size, np.float32(1e-9)), np.float32(P - 1)) / np.float32(beta)
    return np.sign(difference) * np.maximum(kept, 0)
