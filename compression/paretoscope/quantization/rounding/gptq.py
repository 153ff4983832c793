"""GPTQ: round one column after the other, and update the remaining columns for its error.

    w_k -= e U[j, k] / U[j, j]  for all k > j,    U^T U = H^-1

Frantar et al. 2023, arXiv:2210.17323. Columns are ordered by falling diagonal of the Hessian H (the
paper's act-order): important columns are rounded while most others can still compensate. Groups
remain neighbours along the inputs, as the kernel needs them, so their grids are found beforehand
(static groups, `grid_search.py`).
"""

from __future__ import annotations

import numpy as np

from paretoscope.models.modules.tensors import from_numpy, inverse_cholesky
from paretoscope.quantization.packing.groups import Groups, in_groups
from paretoscope.quantization.rounding import rtn
from paretoscope.quantization.rounding.grid import Grid
from paretoscope.quantization.rounding.grid_search import diagonal_blocks, searched_grid

DAMPENING = 0.01
"""Share of the mean diagonal that is added to the diagonal."""
BLOCK = 128
"""Columns whose errors are collected before the rest of the matrix is updated."""


def quantize_groups(
    weight: np.ndarray,
    bits: int,
    group_size: int,
    hessian: np.ndarray | None = None,
    real: bool = False,
) -> Groups:
    """Round float32 `weight` [outputs, inputs] in groups along its inputs.

    `hessian` [inputs, inputs] is the mean of x x^T; without it inputs count as independent and
    every weight is rounded to the nearest level of the searched grid. Zeros stay zero if zero is a
    level. A row with no less output error than round to nearest is rounded to nearest.
    """
    grouped = in_groups(weight, group_size)
    if hessian is None:
        return searched_grid(grouped, bits, real=real).nearest(weight, group_size)
    grid = searched_grid(grouped, bits, diagonal_blocks(hessian, group_size), real).settled()
    found = grid.groups(_compensated(weight, grid, group_size, hessian), group_size)
    nearest = rtn.quantize_groups(weight, bits, group_size, real=real)
    return better_rows(found, nearest, weight, hessian)


def better_rows(found: Groups, other: Groups, weight: np.ndarray, hessian: np.ndarray) -> Groups:
    """The rows of `found` whose output error is smaller, the other rows of `other`."""
    errors, others = (output_errors(each, weight, hessian) for each in (found, other))
    better = (errors < others)[:, None]
    return Groups(
        codes=np.where(better, found.codes, other.codes),
        scales=np.where(better, found.scales, other.scales),
        zero_points=np.where(better, found.zero_points, other.zero_points),
        bits=found.bits,
        group_size=found.group_size,
        float_zero_points=found.float_zero_points
        and other.float_zero_points
        and found.float_zero_points.where(better, other.float_zero_points),
    )


def output_errors(groups: Groups, weight: np.ndarray, hessian: np.ndarray) -> np.ndarray:
    """Mean squared error of each output [outputs] on the examples behind the Hessian: d^T H d."""
    difference = groups.dequantized() - weight
    return np.einsum("ri,ri->r", difference @ hessian, difference)


def _compensated(
    weight: np.ndarray, grid: Grid, group_size: int, hessian: np.ndarray
) -> np.ndarray:
    """Codes [outputs, inputs]; works on the transpose, where a column is contiguous."""
    order = np.argsort(-np.diag(hessian), kind="stable")
    factor = inverse_factor(hessian[np.ix_(order, order)])
    left = np.ascontiguousarray(weight.T[order])
    zero = np.zeros_like(left, dtype=bool) if grid.real else left == 0
    scale, point, offset = (
        np.ascontiguousarray(part.T[order // group_size])
        for part in (grid.scales, grid.zero_points, grid.float_zero_points)
    )
    codes = np.empty(left.shape, dtype=np.uint8)
    for start in range(0, len(left), BLOCK):
        end = min(start + BLOCK, len(left))
        errors = np.empty((end - start, left.shape[1]), dtype=np.float32)
        for row in range(start, end):
            code = np.clip(
                np.rint((left[row] - offset[row]) / scale[row]) + point[row], 0, 2**grid.bits - 1
            )
            code[zero[row]] = point[row, zero[row]]
            codes[row] = code
            error = (left[row] - (scale[row] * (code - point[row]) + offset[row])) / factor[
                row, row
            ]
            left[row + 1 : end] -= factor[row, row + 1 : end, None] * error
            errors[row - start] = error
        left[end:] -= factor[start:end, end:].T @ errors
    result = np.empty_like(codes)
    result[order] = codes
    return np.ascontiguousarray(result.T)


def inverse_factor(hessian: np.ndarray) -> np.ndarray:
    """Upper triangular U, float32, with U^T U = the inverse of the dampened Hessian.

    `hessian` [inputs, inputs].
    """
    damped = from_numpy(hessian.astype(np.float64))
    diagonal = damped.diagonal()
    diagonal += DAMPENING * float(diagonal.mean()) or 1.0
    return inverse_cholesky(damped).float().numpy()
