"""SparseGPT: the weights that stay make up for those that go (Frantar and Alistarh 2023,
arXiv:2301.00774).

The layer-wise problem: zeros M and weights V that minimise ||W X - V X||. The exact answer for one
weight is that of the optimal brain surgeon (Hassibi and Stork 1992); going through the columns from
left to right and only ever changing those to the right, all rows share one inverse Hessian, of
which every step needs one row of a Cholesky factor (equation 4 and algorithm 1). This file knows
one matrix; which matrices, with which inputs, is for `weights.py`.
"""

from __future__ import annotations

import torch
from torch import Tensor

from paretoscope.pruning.masks import in_proportion, mask_lowest, n_of_m

BLOCK = 128
"""Columns whose mask is chosen at once, after all before them have been made up for (section 3.3).
"""
DAMPENING = 0.01
"""Share of the mean diagonal that is added to the Hessian's diagonal (section 4)."""


def prune(
    weight: Tensor,
    moments: Tensor,
    sparsity: float,
    pattern: tuple[int, int] | None = None,
    factor: Tensor | None = None,
) -> Tensor:
    """The pruned and updated matrix: `weight` [out, in], `moments` X^T X / tokens [in, in] -> [out,
    in].

    Exactly round(sparsity * numel) entries are zero, or with `pattern` (kept, of) that many kept of
    every group along the inputs. Entries that are zero already stay zero and count; the rest of the
    zeros is shared among blocks of columns by what they have left. Without anything to prune the
    result is the weight itself. `factor` is `inverse_factor(moments)`, where another matrix with
    the same inputs has needed it already.
    """
    gone = weight == 0
    work = weight.detach().clone().float()
    factor = inverse_factor(moments) if factor is None else factor
    size = BLOCK if pattern is None else max(pattern[1], BLOCK - BLOCK % pattern[1])
    starts = range(0, work.shape[1], size)
    alive = torch.tensor([int((~gone[:, start : start + size]).sum()) for start in starts])
    quotas = in_proportion(alive, round(sparsity * work.numel()) - int(gone.sum())).tolist()
    for start, quota in zip(starts, quotas, strict=True):
        block = slice(start, min(start + size, work.shape[1]))
        keep = (
            None if pattern else _kept(work[:, block], factor[block, block], gone[:, block], quota)
        )
        # A column is contiguous in the transpose, where a step over it costs less than half of what
        # it does here.
        columns, errors = _sweep(
            work[:, block].T.contiguous(), factor[block, block], gone[:, block], keep, pattern
        )
        work[:, block] = columns.T
        work[:, block.stop :] -= errors.T @ factor[block, block.stop :]
    return work.to(weight.dtype)


def _sweep(
    work: Tensor, factor: Tensor, gone: Tensor, keep: Tensor | None, pattern: tuple[int, int] | None
) -> tuple[Tensor, Tensor]:
    """Zero and make up column by column, in place: `work` [columns, out], `gone` and `keep` [out,
    columns]. Returns `work` and the errors [columns, out] that columns after the block take.

    With a `pattern` the mask of each group is chosen when its first column comes up.
    """
    errors = torch.zeros_like(work)
    diagonal = factor.diagonal()
    mask = torch.ones_like(work, dtype=torch.bool) if keep is None else keep.T.contiguous()
    for column in range(len(work)):
        if pattern and column % pattern[1] == 0:
            group = slice(column, column + pattern[1])
            scores = _scores(work[group].T, diagonal[group]).masked_fill(gone[:, group], -torch.inf)
            mask[group] = (n_of_m(scores, *pattern) & ~gone[:, group]).T
        error = work[column].masked_fill(mask[column], 0) / diagonal[column]
        work[column:].addr_(factor[column, column:], error, alpha=-1)
        work[column].masked_fill_(~mask[column], 0)
        errors[column] = error
    return work, errors


def _kept(work: Tensor, factor: Tensor, gone: Tensor, quota: int) -> Tensor:
    """Mask of a block in which what is gone and the `quota` least missed others are False."""
    scores = _scores(work, factor.diagonal()).masked_fill(gone, -torch.inf)
    return mask_lowest(scores, (int(gone.sum()) + quota) / scores.numel())


def _scores(work: Tensor, diagonal: Tensor) -> Tensor:
    """w^2 / [H^-1]_jj, the error that zeroing a weight costs after the best update; `diagonal` is
    the factor's (line 7 of algorithm 1).
    """
    return (work / diagonal) ** 2


def inverse_factor(moments: Tensor) -> Tensor:
    """Upper triangular U with U^T U = (moments + dampening)^-1, float32 [in, in].

    Row j of U, from column j on, is what the algorithm needs of the inverse Hessian once the
    columns before j are done. With the Hessian as R R^T, R upper triangular (a Cholesky
    factorization from the last column up), U is R^-1: no inverse is factorized.
    """
    hessian = moments.double()
    mean = float(hessian.diagonal().mean())
    hessian = hessian + torch.eye(len(hessian), dtype=hessian.dtype) * (
        DAMPENING * mean if mean > 0 else 1.0
    )
    reversed_factor = torch.linalg.cholesky(hessian.flip(0, 1)).flip(0, 1)
    identity = torch.eye(len(hessian), dtype=hessian.dtype)
    return torch.linalg.solve_triangular(reversed_factor, identity, upper=True).float()
