"""HQQ: each group's grid from a robust fit that lets a few weights be far off, without any data.

Half-quadratic quantization (Badri and Shaji 2023, https://mobiusml.github.io/hqq_blog) minimizes the sum of |w - q|^p, p < 1: the
error is split off by the shrinkage operator of the p-norm, then the grid is fitted to the rest in closed form, in turns. There
the scale is kept and the zero point, a real number, is fitted. Here zero has to be a level, for pruned weights, and MatMulNBits
takes real zero points at 2 and 4 bits only and without its int8 kernel; so the zero point is an integer, and it is the scale
that is fitted, to the least squares of what the split leaves, from the grid of least squared error (`grid_search.py`).
"""

from __future__ import annotations

import numpy as np

from compression.quantization.grid_search import on_grid, rounded, searched_grid
from compression.quantization.groups import Groups, in_groups

P, BETA, KAPPA = 0.7, 10.0, 1.01
"""The norm, the first weight of the split and its growth in every turn, as in the authors' code."""
TURNS = 20
"""At most; a matrix is done when no group of it gets better."""


def quantize_groups(weight: np.ndarray, bits: int, group_size: int, hessian: np.ndarray | None = None) -> Groups:
    """Round float32 `weight` [rows, columns] in groups along its columns; `hessian` is not used by this rounding."""
    grouped = in_groups(weight, group_size)
    return on_grid(weight, bits, group_size, *fitted_grid(grouped, bits))


def fitted_grid(grouped: np.ndarray, bits: int) -> tuple[np.ndarray, np.ndarray]:
    """Scale and zero point, float32 [rows, groups], of weights [rows, groups, group size].

    Errors are split in units of a level, so that the split is the same for small weights and for large ones.
    """
    scales, points = searched_grid(grouped, bits)
    units = grouped / scales[..., None]
    scale = np.ones_like(scales)
    best, best_error = scale.copy(), np.full(scale.shape, np.inf, dtype=np.float32)
    beta = BETA
    for _ in range(TURNS):
        levels = rounded(units, scale, points, bits)
        difference = units - levels
        error = (np.abs(difference) ** np.float32(P)).sum(axis=-1)
        better = error < best_error
        if not better.any():
            break
        np.copyto(best_error, error, where=better)
        np.copyto(best, scale, where=better)
        levels /= scale[..., None]
        size = np.square(levels).sum(axis=-1)
        fit = ((units - shrunk(difference, beta)) * levels).sum(axis=-1) / np.where(size > 0, size, 1)
        scale = np.where((size > 0) & (fit > 0), fit, scale)
        beta *= KAPPA
    return scales * best, points


def shrunk(difference: np.ndarray, beta: float) -> np.ndarray:
    """The generalized soft threshold: sign(x) max(0, |x| - |x|^(p-1) / beta), the part of an error that is split off.

    >>> shrunk(np.array([0.1, -1.0]), beta=10.0).round(2).tolist()
    [0.0, -0.9]
    """
    size = np.abs(difference)
    kept = size - np.power(np.maximum(size, np.float32(1e-9)), np.float32(P - 1)) / np.float32(beta)
    return np.sign(difference) * np.maximum(kept, 0)
