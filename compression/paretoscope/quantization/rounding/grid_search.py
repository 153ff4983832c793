"""Grid search: a narrower range clips outliers and is more precise for the other weights.

Candidates are the range of `rtn.grid` times `SHRINKS` (the clipping search of AWQ,
arXiv:2306.00978, section 3.2) with the rounded zero point or a neighbour, which matters with four
levels; with real zero points the narrower range is at either end of the whole one or in its middle.
The best has the least error d^T H d of the group's part of the output, H being the group's block of
the Hessian; without data, the least squared error.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from paretoscope.quantization.packing.float16 import to_float16
from paretoscope.quantization.rounding.grid import Grid
from paretoscope.quantization.rounding.rtn import grid

SHRINKS = {2: np.linspace(1.0, 0.4, 13), 4: np.linspace(1.0, 0.6, 9), 8: np.ones(1)}
"""Shares of the whole range, by bits: few levels gain most from clipping, 256 nothing."""
NEIGHBOURS = {2: (0, -1, 1), 4: (0, -1, 1), 8: (0,)}
"""Steps from the rounded zero point; 8 bits are symmetric."""
PLACES = (0.5, 0.0, 1.0)
"""Position of a narrower range with a real zero point: 0 the lower end, 1 the upper end."""


def searched_grid(
    grouped: np.ndarray, bits: int, blocks: np.ndarray | None = None, real: bool = False
) -> Grid:
    """The best grid of each group of weights [rows, groups, group size].

    `blocks` [groups, group size, group size] are the diagonal blocks of the Hessian; None weighs
    all inputs equally. The range of round to nearest is the first candidate, so no group has a
    larger error than with that.
    """
    best = grid(grouped, bits, real)
    best_error = group_errors(best.rounded(grouped) - grouped, blocks)
    for tried in _narrower(best):
        error = group_errors(tried.rounded(grouped) - grouped, blocks)
        better = error < best_error
        np.copyto(best_error, error, where=better)
        best = best.better(tried, better)
    return best


def _narrower(whole: Grid) -> Iterator[Grid]:
    """The other candidates, given `whole`, the grid of round to nearest."""
    for shrink in SHRINKS[whole.bits]:
        scales = to_float16(whole.scales * np.float32(shrink), positive=True)
        if whole.real:
            room = (whole.scales - scales) * np.float32(2**whole.bits - 1)
            middle = whole.float_zero_points - (whole.scales - scales) * whole.zero_points
            for place in PLACES if shrink < 1 else ():
                yield Grid(
                    scales,
                    whole.zero_points,
                    middle + room * np.float32(place),
                    whole.bits,
                    real=True,
                )
        else:
            for step in NEIGHBOURS[whole.bits]:
                points = np.clip(whole.zero_points + np.float32(step), 0, 2**whole.bits - 1)
                yield Grid(scales, points, whole.float_zero_points, whole.bits)


def group_errors(difference: np.ndarray, blocks: np.ndarray | None) -> np.ndarray:
    """d^T H d of every group, float32 [rows, groups]; d is [rows, groups, group size]."""
    if blocks is None:
        return np.einsum("rgi,rgi->rg", difference, difference)
    by_group = np.ascontiguousarray(difference.transpose(1, 0, 2))
    return np.einsum("gri,gri->gr", by_group @ blocks, by_group).T


def diagonal_blocks(hessian: np.ndarray, group_size: int) -> np.ndarray:
    """The blocks [groups, group size, group size] along the diagonal of [inputs, inputs].

    A short last block is filled with zeros.
    """
    inputs = len(hessian)
    groups = -(-inputs // group_size)
    full = np.zeros((groups * group_size, groups * group_size), dtype=np.float32)
    full[:inputs, :inputs] = hessian
    return np.stack(
        [full[at : at + group_size, at : at + group_size] for at in range(0, len(full), group_size)]
    )
