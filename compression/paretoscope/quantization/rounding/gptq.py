"""GPTQ: a column at a time, the columns not rounded yet make up for the error of those that are.

Frantar et al. 2023 (arXiv:2210.17323): with U the upper Cholesky factor of the inverse Hessian,
rounding column j with error e moves every later column k by -e U[j, k] / U[j, j]. Columns go by
falling diagonal of the Hessian (their "act-order"), so that those which matter are rounded while
most of the others can still make up for them; groups stay neighbours along the inputs, as the
kernel wants them, so their grids are found beforehand (their "static groups",
`quantization/rounding/grid_search.py`).
"""

from __future__ import annotations

import numpy as np
import torch

from paretoscope.quantization.packing.groups import Groups, in_groups
from paretoscope.quantization.rounding import rtn
from paretoscope.quantization.rounding.grid import Grid
from paretoscope.quantization.rounding.grid_search import diagonal_blocks, searched_grid

DAMPENING = 0.01
"""Share of the mean diagonal that is added to the diagonal."""
BLOCK = 128
"""Columns whose errors are gathered before the rest of the matrix is moved by them."""


def quantize_groups(
    weight: np.ndarray,
    bits: int,
    group_size: int,
    hessian: np.ndarray | None = None,
    real: bool = False,
) -> Groups:
    """Round float32 `weight` [outputs, inputs] in groups along its inputs; `hessian` [inputs,
    inputs] is the mean of x x^T.

    Weights that are zero stay zero where zero is a level. A row whose output error is not less than
    round to nearest's is rounded to nearest. Without a Hessian all inputs are alike and
    independent: every weight takes its nearest level of the searched grid.
    """
    if hessian is None:
        return searched_grid(in_groups(weight, group_size), bits, real=real).nearest(
            weight, group_size
        )
    grid = searched_grid(
        in_groups(weight, group_size), bits, diagonal_blocks(hessian, group_size), real
    ).settled()
    found = grid.groups(_compensated(weight, grid, group_size, hessian), group_size)
    return better_rows(
        found, rtn.quantize_groups(weight, bits, group_size, real=real), weight, hessian
    )


def better_rows(found: Groups, other: Groups, weight: np.ndarray, hessian: np.ndarray) -> Groups:
    """`found`, but with the rows of `other` where those have the smaller output error."""
    better = (output_errors(found, weight, hessian) < output_errors(other, weight, hessian))[
        :, None
    ]
    return Groups(
        codes=np.where(better, found.codes, other.codes),
        scales=np.where(better, found.scales, other.scales),
        zero_points=np.where(better, found.zero_points, other.zero_points),
        bits=found.bits,
        group_size=found.group_size,
        shifts=found.shifts and other.shifts and found.shifts.where(better, other.shifts),
    )


def output_errors(groups: Groups, weight: np.ndarray, hessian: np.ndarray) -> np.ndarray:
    """Mean squared error of each output [outputs] on the examples behind the Hessian: d^T H d."""
    difference = groups.dequantized() - weight
    return np.einsum("ri,ri->r", difference @ hessian, difference)


def _compensated(
    weight: np.ndarray, grid: Grid, group_size: int, hessian: np.ndarray
) -> np.ndarray:
    """Codes [outputs, inputs]. Works on the transpose, where a column of the paper lies in one
    piece of memory.
    """
    order = np.argsort(-np.diag(hessian), kind="stable")
    factor = inverse_factor(hessian[np.ix_(order, order)])
    left = np.ascontiguousarray(weight.T[order])
    zero = np.zeros_like(left, dtype=bool) if grid.real else left == 0
    scale, point, shift = (
        np.ascontiguousarray(part.T[order // group_size])
        for part in (grid.scales, grid.zero_points, grid.shifts)
    )
    codes = np.empty(left.shape, dtype=np.uint8)
    for start in range(0, len(left), BLOCK):
        end = min(start + BLOCK, len(left))
        errors = np.empty((end - start, left.shape[1]), dtype=np.float32)
        for row in range(start, end):
            code = np.clip(
                np.rint((left[row] - shift[row]) / scale[row]) + point[row], 0, 2**grid.bits - 1
            )
            code[zero[row]] = point[row, zero[row]]
            codes[row] = code
            error = (left[row] - (scale[row] * (code - point[row]) + shift[row])) / factor[row, row]
            left[row + 1 : end] -= factor[row, row + 1 : end, None] * error
            errors[row - start] = error
        left[end:] -= factor[start:end, end:].T @ errors
    result = np.empty_like(codes)
    result[order] = codes
    return np.ascontiguousarray(result.T)


def inverse_factor(hessian: np.ndarray) -> np.ndarray:
    """Upper triangular U, float32, with U^T U = the inverse of the dampened Hessian.

    With the order of rows and columns turned round, the Cholesky factor of H itself is an upper
    triangular R with R R^T = H, and U is the inverse of R: the inverse of H is never formed.
    """
    damped = torch.from_numpy(hessian.astype(np.float64))
    diagonal = damped.diagonal()
    diagonal += DAMPENING * float(diagonal.mean()) or 1.0
    upper = torch.linalg.cholesky(damped.flip(0, 1)).flip(0, 1)
    return (
        torch.linalg.solve_triangular(upper, torch.eye(len(upper), dtype=torch.float64), upper=True)
        .float()
        .numpy()
    )
