"""The scale and zero point of each group, searched: a narrower grid clips the ends and is finer for the rest.

Candidates are the range of `rtn.grid` shrunk by `SHRINKS` (the clipping search of AWQ, arXiv:2306.00978, section 3.2) with
the zero point at its rounding or one beside it, which matters when there are four levels. The best has the least error
of the group's own part of the output, d^T H d with H the group's block of the Hessian; without data, the least squared error.
"""

from __future__ import annotations

import numpy as np

from compression.quantization.groups import Groups, in_groups
from compression.quantization.rtn import grid

SHRINKS = {2: np.linspace(1.0, 0.4, 13), 4: np.linspace(1.0, 0.6, 9), 8: np.ones(1)}
"""Shares of the whole range, by bits: few levels gain most from clipping, 256 nothing."""
BESIDE = {2: (0, -1, 1), 4: (0, -1, 1), 8: (0,)}
"""Steps from the rounded zero point; 8 bits are symmetric."""


def searched_grid(grouped: np.ndarray, bits: int, blocks: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Scale and zero point, float32 [rows, groups], of weights [rows, groups, group size].

    `blocks` [groups, group size, group size] are the Hessian's blocks on its diagonal; None counts every weight alike.
    The unshrunk range of round to nearest is the first candidate, so no group errs more than with that.
    """
    scales, zero_points = grid(grouped, bits)
    best_error = np.full(scales.shape, np.inf, dtype=np.float32)
    best_scales, best_points = scales.copy(), zero_points.copy()
    for shrink in SHRINKS[bits]:
        for step in BESIDE[bits]:
            tried = scales * np.float32(shrink)
            points = np.clip(zero_points + np.float32(step), 0, 2**bits - 1)
            error = group_errors(rounded(grouped, tried, points, bits) - grouped, blocks)
            better = error < best_error
            np.copyto(best_error, error, where=better)
            np.copyto(best_scales, tried, where=better)
            np.copyto(best_points, points, where=better)
    return best_scales, best_points


def on_grid(weight: np.ndarray, bits: int, group_size: int, scales: np.ndarray, zero_points: np.ndarray) -> Groups:
    """Every weight at its nearest level of the grid that is given, [outputs, groups]."""
    codes = np.rint(in_groups(weight, group_size) / scales[..., None]) + zero_points[..., None]
    codes = np.clip(codes, 0, 2**bits - 1).astype(np.uint8).reshape(len(weight), -1)[:, : weight.shape[1]]
    return Groups(codes, scales, zero_points.astype(np.uint8), bits, group_size)


def rounded(grouped: np.ndarray, scales: np.ndarray, zero_points: np.ndarray, bits: int) -> np.ndarray:
    """The nearest levels to weights [rows, groups, group size], as floats."""
    codes = grouped * (np.float32(1) / scales)[..., None]
    np.rint(codes, out=codes)
    np.clip(codes, -zero_points[..., None], (2**bits - 1 - zero_points)[..., None], out=codes)
    codes *= scales[..., None]
    return codes


def group_errors(difference: np.ndarray, blocks: np.ndarray | None) -> np.ndarray:
    """d^T H d of every group, float32 [rows, groups]; `difference` is [rows, groups, group size]."""
    if blocks is None:
        return np.einsum("rgi,rgi->rg", difference, difference)
    by_group = np.ascontiguousarray(difference.transpose(1, 0, 2))
    return np.einsum("gri,gri->gr", by_group @ blocks, by_group).T


def diagonal_blocks(hessian: np.ndarray, group_size: int) -> np.ndarray:
    """The blocks [groups, group size, group size] along the diagonal of [inputs, inputs]; a short last one is filled with zeros."""
    inputs = len(hessian)
    groups = -(-inputs // group_size)
    full = np.zeros((groups * group_size, groups * group_size), dtype=np.float32)
    full[:inputs, :inputs] = hessian
    return np.stack([full[at : at + group_size, at : at + group_size] for at in range(0, len(full), group_size)])
