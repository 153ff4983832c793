"""Wanda: a weight matters by its size times how strongly its input comes in (Sun et al. 2023,
arXiv:2306.11695).

It only scores; the row that names it in `methods.WEIGHT_SCORES` says that weights of one output
compete with each other.
"""

from __future__ import annotations

from torch import Tensor


def score(weight: Tensor, moments: Tensor) -> Tensor:
    """|w_ij| ||x_j||_2 (equation 1): `weight` [out, in], `moments` X^T X / tokens [in, in], or its
    diagonal [in] -> scores [out, in], the highest kept.

    Dividing by the tokens divides all scores alike, so it changes no ranking.

    >>> import torch
    >>> score(torch.tensor([[1.0, -3.0]]), torch.tensor([[16.0, 0.0], [0.0, 1.0]]))
    tensor([[4., 3.]])
    """
    squares = moments.diagonal() if moments.ndim == 2 else moments
    return weight.abs() * squares.sqrt()
