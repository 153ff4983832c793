"""Which weights stay: masks of an exact number of zeros, and masks of N kept in every M.

A mask is a boolean tensor, True where a weight stays. What a weight is worth is not decided here.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor


def mask_lowest(scores: Tensor, sparsity: float) -> Tensor:
    """Mask in which exactly round(sparsity * numel) entries go: the lowest scores, of equal ones
    the first.

    `scores` of any shape -> boolean mask of that shape.

    >>> mask_lowest(torch.tensor([3.0, 1.0, 1.0, 1.0]), 0.5)
    tensor([ True, False, False,  True])
    """
    flat = scores.flatten()
    zeros = round(sparsity * flat.numel())
    if zeros == 0:
        return torch.ones_like(scores, dtype=torch.bool)
    # Selecting one threshold is some ten times faster than sorting, but leaves ties to be settled.
    threshold = flat.kthvalue(zeros).values
    keep = flat > threshold
    if surplus := flat.numel() - zeros - int(keep.count_nonzero()):
        # Of those that equal the threshold the last stay; where nothing is tied, one comparison was
        # enough.
        tied = (flat == threshold).nonzero().squeeze(1)
        keep[tied[-surplus:]] = True
    return keep.reshape(scores.shape)


def mask_lowest_in_rows(scores: Tensor, sparsity: float) -> Tensor:
    """Mask in which exactly round(sparsity * numel) entries go, the same share of every row, ranked
    within the row.

    `scores` [rows, entries], -inf where an entry is gone already: those entries count, and what
    else must go is shared among the rows by what they have left. Rows differ by one where the
    number does not divide. Of equal scores the first go.

    >>> mask_lowest_in_rows(torch.tensor([[9.0, 8.0, 7.0, 6.0], [1.0, 2.0, 3.0, 4.0]]), 0.5)
    tensor([[ True,  True, False, False],
            [False, False,  True,  True]])
    """
    gone = scores.isneginf().sum(1)
    alive = scores.shape[1] - gone
    per_row = gone + in_proportion(alive, round(sparsity * scores.numel()) - int(gone.sum()))
    places = scores.argsort(dim=1, stable=True).argsort(dim=1)
    return places >= per_row[:, None]


def in_proportion(sizes: Tensor, total: int) -> Tensor:
    """`total` shared among parts in proportion to their `sizes` (both whole numbers), never more
    than a part has.

    Sums that are rounded and then subtracted make the total exact; a negative total counts as none.

    >>> in_proportion(torch.tensor([4, 4, 2]), 5), in_proportion(torch.tensor([3, 0, 3]), 3)
    (tensor([2, 2, 1]), tensor([2, 0, 1]))
    """
    up_to = sizes.cumsum(0)
    whole = max(1, int(up_to[-1]))
    shares = (2 * up_to * max(0, total) + whole) // (2 * whole)
    return shares.diff(prepend=shares.new_zeros(1))


def mask_lowest_globally(scores: Mapping[str, Tensor], sparsity: float) -> dict[str, Tensor]:
    """Masks over several matrices ranked as one: exactly round(sparsity * all entries) go.

    Nothing stops a matrix of small scores from losing every weight; that is what global ranking
    means.
    """
    keep = mask_lowest(torch.cat([matrix.flatten() for matrix in scores.values()]), sparsity)
    parts = keep.split([matrix.numel() for matrix in scores.values()])
    return {
        name: part.reshape(scores[name].shape) for name, part in zip(scores, parts, strict=True)
    }


def n_of_m(scores: Tensor, kept: int, of: int) -> Tensor:
    """Mask with the `kept` highest of every `of` neighbours along the inputs: [out, in] -> [out,
    in].

    This is the meaning hardware gives to N:M (Mishra et al. 2021, arXiv:2104.08378): N kept. When
    `of` does not divide the number of inputs, the last group of r inputs keeps ceil(kept * r / of),
    which is never more than `kept`. Of equal scores the first go.

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
