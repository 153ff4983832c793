"""Masks from scores: an exact number of zeros, or N kept of every M.

A mask is a boolean tensor, True where a weight is kept. Scores come from a criterion in
`criteria/`.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from paretoscope.models.modules.tensors import split


def mask_lowest(scores: Tensor, sparsity: float) -> Tensor:
    """Mask that prunes exactly round(sparsity * numel) entries: the lowest scores.

    `scores` has any shape, the mask has the same. Of equal scores the first are pruned.

    >>> mask_lowest(torch.tensor([3.0, 1.0, 1.0, 1.0]), 0.5)
    tensor([ True, False, False,  True])
    """
    flat = scores.flatten()
    zeros = round(sparsity * flat.numel())
    if zeros == 0:
        return torch.ones_like(scores, dtype=torch.bool)
    # Finding one threshold is about ten times faster than sorting, but leaves ties to resolve.
    threshold = flat.kthvalue(zeros).values
    keep = flat > threshold
    if surplus := flat.numel() - zeros - int(keep.count_nonzero()):
        tied = (flat == threshold).nonzero().squeeze(1)
        keep[tied[-surplus:]] = True
    return keep.reshape(scores.shape)


def mask_lowest_in_rows(scores: Tensor, sparsity: float) -> Tensor:
    """Mask that prunes exactly round(sparsity * numel) entries, the same share of every row.

    `scores` [rows, entries] is -inf where an entry is zero already: those count, and the rest is
    distributed over the rows in proportion to their other entries. Rows differ by one where the
    number does not divide. Of equal scores the first are pruned.

    >>> mask_lowest_in_rows(torch.tensor([[9.0, 8.0, 7.0, 6.0], [1.0, 2.0, 3.0, 4.0]]), 0.5)
    tensor([[ True,  True, False, False],
            [False, False,  True,  True]])
    """
    zero = scores.isneginf().sum(1)
    others = scores.shape[1] - zero
    per_row = zero + in_proportion(others, round(sparsity * scores.numel()) - int(zero.sum()))
    ranks = scores.argsort(dim=1, stable=True).argsort(dim=1)
    return ranks >= per_row[:, None]


def in_proportion(sizes: Tensor, total: int) -> Tensor:
    """`total` distributed over parts in proportion to their `sizes`, never more than a part has.

    All are integers. Rounding the running sums keeps the total exact; a negative total counts as 0.

    >>> in_proportion(torch.tensor([4, 4, 2]), 5), in_proportion(torch.tensor([3, 0, 3]), 3)
    (tensor([2, 2, 1]), tensor([2, 0, 1]))
    """
    up_to = sizes.cumsum(0)
    whole = max(1, int(up_to[-1]))
    shares = (2 * up_to * max(0, total) + whole) // (2 * whole)
    return shares.diff(prepend=shares.new_zeros(1))


def mask_lowest_globally(scores: Mapping[str, Tensor], sparsity: float) -> dict[str, Tensor]:
    """Masks of several matrices ranked as one: exactly round(sparsity * all entries) are pruned.

    A matrix with small scores may lose every weight.
    """
    keep = mask_lowest(torch.cat([matrix.flatten() for matrix in scores.values()]), sparsity)
    parts = split(keep, [matrix.numel() for matrix in scores.values()])
    return {
        name: part.reshape(scores[name].shape) for name, part in zip(scores, parts, strict=True)
    }


def n_of_m(scores: Tensor, kept: int, of: int) -> Tensor:
    """Mask with the `kept` highest of every `of` neighbours along the inputs: [out, in].

    N:M as hardware defines it (Mishra et al. 2021, arXiv:2104.08378): N are kept. When `of` does
    not divide the number of inputs, the last group of r inputs keeps ceil(kept * r / of). Of equal
    scores the first are pruned.

    >>> n_of_m(torch.tensor([[1.0, 4.0, 3.0, 2.0, 9.0]]), 2, 4)
    tensor([[False,  True,  True, False,  True]])
    """
    width = scores.shape[1]
    whole = width - width % of
    parts = [_best_of_groups(scores[:, :whole].reshape(-1, of), kept).reshape(len(scores), whole)]
    if rest := width - whole:
        parts.append(_best_of_groups(scores[:, whole:], -(-kept * rest // of)))
    return torch.cat(parts, dim=1)


def _best_of_groups(groups: Tensor, kept: int) -> Tensor:
    """[groups, size] -> mask with `kept` True in every row."""
    lowest = groups.argsort(dim=1, stable=True)[:, : groups.shape[1] - kept]
    return torch.ones_like(groups, dtype=torch.bool).scatter_(1, lowest, False)
