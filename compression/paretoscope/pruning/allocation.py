"""How many units each layer keeps, and which: the same number of each, or as many in all from
wherever they are missed least.

It knows scores, not models; where scores come from is a criterion's business.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor


def highest(scores: Tensor, kept: int) -> Tensor:
    """Indices of the `kept` highest scores, ascending; of equal scores the first go.

    >>> highest(torch.tensor([1.0, 5.0, 1.0, 3.0]), 3)
    tensor([1, 2, 3])
    """
    return scores.argsort(stable=True)[scores.numel() - kept :].sort().values


def on_one_scale(scores: Sequence[Tensor]) -> list[Tensor]:
    """Each layer's scores divided by their mean, for layers to compete whose scores have different
    scales.

    Molchanov et al. 2016 (arXiv:1611.06440, section 2.2) divide by the L2 norm, of which a few
    outlying neurons of one layer make so much that it loses nearly all others: on MiniLM without
    half of its neurons that costs six points of accuracy more.

    >>> on_one_scale([torch.tensor([1.0, 3.0]), torch.tensor([100.0, 300.0])])
    [tensor([0.5000, 1.5000]), tensor([0.5000, 1.5000])]
    """
    return [layer / layer.mean().clamp_min(torch.finfo(layer.dtype).tiny) for layer in scores]


def highest_over_layers(scores: Sequence[Tensor], kept: int, block: int = 1) -> list[Tensor]:
    """Indices that each layer keeps when `kept` units in all are chosen over the layers, at least
    `block` of each.

    A layer keeps whole blocks: its best units, then its next best, and blocks compete by their
    mean. `kept` is a multiple of `block`.

    >>> highest_over_layers([torch.tensor([3.0, 4.0]), torch.tensor([0.1, 1.0])], 3)
    [tensor([0, 1]), tensor([1])]
    """
    sizes: list[Tensor] = []
    for layer in scores:
        falling = layer.sort(descending=True).values
        whole = len(falling) - len(falling) % block
        sizes.append(falling[:whole].reshape(-1, block).mean(1))
    for blocks in sizes:
        blocks[0] = torch.inf
    chosen = highest(torch.cat(sizes), kept // block)
    layer_of = torch.repeat_interleave(
        torch.arange(len(sizes)), torch.tensor([len(blocks) for blocks in sizes])
    )
    counts = layer_of[chosen].bincount(minlength=len(sizes))
    return [highest(layer, int(count) * block) for layer, count in zip(scores, counts, strict=True)]
