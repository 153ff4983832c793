"""Wanda: a weight matters by its size times the norm of its input.

    score_ij = |w_ij| ||x_j||_2

Sun et al. 2023, arXiv:2306.11695, equation 1. Weights of one output compete with each other: the
row in `methods.WEIGHT_SCORES` has score_scope `row`.
"""

from __future__ import annotations

from torch import Tensor


def score(weight: Tensor, moments: Tensor) -> Tensor:
    """Scores [out, in] of `weight` [out, in], the highest kept.

    `moments` is X^T X / tokens [in, in], or its diagonal [in]. Division by the number of tokens
    does not change the ranking.

    >>> import torch
    >>> score(torch.tensor([[1.0, -3.0]]), torch.tensor([[16.0, 0.0], [0.0, 1.0]]))
    tensor([[4., 3.]])
    """
    squares = moments.diagonal() if moments.ndim == 2 else moments
    return weight.abs() * squares.sqrt()
