"""SparseGPT: prune weights and update the others so that the layer's output changes least.

    min ||W X - V X||  over masks and weights V

Frantar and Alistarh 2023, arXiv:2301.00774. The exact solution for one weight is that of the
optimal brain surgeon (Hassibi and Stork 1992). Columns are pruned from left to right and only those
to the right are updated, so that all rows share one inverse Hessian, of which each step needs one
row of a Cholesky factor (equation 4 and algorithm 1).
"""

from __future__ import annotations

import torch
from torch import Tensor

from paretoscope.models.modules.tensors import integers, inverse_cholesky
from paretoscope.pruning.masks import in_proportion, mask_lowest, n_of_m

BLOCK = 128
"""Columns whose mask is chosen at once, after the updates of all columns before (section 3.3)."""
DAMPENING = 0.01
"""Share of the mean diagonal that is added to the Hessian's diagonal (section 4)."""


def prune(
    weight: Tensor,
    moments: Tensor,
    sparsity: float,
    pattern: tuple[int, int] | None = None,
    factor: Tensor | None = None,
) -> Tensor:
    """The pruned and updated `weight` [out, in]; `moments` is X^T X / tokens [in, in].

    Exactly round(sparsity * numel) entries are zero, or with `pattern` (kept, of) that many are
    kept of every group along the inputs. Existing zeros stay zero and count; the other zeros are
    distributed over blocks of columns in proportion to their remaining weights. With nothing to
    prune the weight is unchanged. `factor` is `inverse_factor(moments)` if it is already known.
    """
    zero = weight == 0
    work = weight.detach().clone().float()
    factor = inverse_factor(moments) if factor is None else factor
    size = BLOCK if pattern is None else max(pattern[1], BLOCK - BLOCK % pattern[1])
    starts = range(0, work.shape[1], size)
    remaining = torch.tensor([int((~zero[:, start : start + size]).sum()) for start in starts])
    total = round(sparsity * work.numel()) - int(zero.sum())
    quotas = integers(in_proportion(remaining, total))
    for start, quota in zip(starts, quotas, strict=True):
        block = slice(start, min(start + size, work.shape[1]))
        part, gone = factor[block, block], zero[:, block]
        keep = None if pattern else _kept(work[:, block], part, gone, quota)
        # A step over a column is twice as fast in the transpose, where it is contiguous.
        columns, errors = _sweep(work[:, block].T.contiguous(), part, gone, keep, pattern)
        work[:, block] = columns.T
        work[:, block.stop :] -= errors.T @ factor[block, block.stop :]
    return work.to(weight.dtype)


def _sweep(
    work: Tensor, factor: Tensor, zero: Tensor, keep: Tensor | None, pattern: tuple[int, int] | None
) -> tuple[Tensor, Tensor]:
    """Prune and update column by column, in place.

    `work` is [columns, out], `zero` and `keep` are [out, columns]. Returns `work` and the errors
    [columns, out] that update the columns after the block. With a `pattern` the mask of each group
    is chosen at its first column.
    """
    errors = torch.zeros_like(work)
    diagonal = factor.diagonal()
    mask = torch.ones_like(work, dtype=torch.bool) if keep is None else keep.T.contiguous()
    for column in range(len(work)):
        if pattern and column % pattern[1] == 0:
            group = slice(column, column + pattern[1])
            scores = _scores(work[group].T, diagonal[group]).masked_fill(zero[:, group], -torch.inf)
            mask[group] = (n_of_m(scores, *pattern) & ~zero[:, group]).T
        error = work[column].masked_fill(mask[column], 0) / diagonal[column]
        work[column:].addr_(factor[column, column:], error, alpha=-1)
        work[column].masked_fill_(~mask[column], 0)
        errors[column] = error
    return work, errors


def _kept(work: Tensor, factor: Tensor, zero: Tensor, quota: int) -> Tensor:
    """Mask of a block that prunes existing zeros and the `quota` lowest scores of the others."""
    scores = _scores(work, factor.diagonal()).masked_fill(zero, -torch.inf)
    return mask_lowest(scores, (int(zero.sum()) + quota) / scores.numel())


def _scores(work: Tensor, diagonal: Tensor) -> Tensor:
    """w^2 / [H^-1]_jj: the error of pruning a weight after the best update (algorithm 1, line 7).

    `diagonal` is the factor's.
    """
    return (work / diagonal) ** 2


def inverse_factor(moments: Tensor) -> Tensor:
    """Upper triangular U with U^T U = (moments + dampening)^-1, float32 [in, in].

    Row j of U, from column j on, is what the algorithm needs of the inverse Hessian after the
    columns before j.
    """
    hessian = moments.double()
    mean = float(hessian.diagonal().mean())
    identity = torch.eye(len(hessian), dtype=hessian.dtype)
    hessian = hessian + identity * (DAMPENING * mean if mean > 0 else 1.0)
    return inverse_cholesky(hessian).float()
