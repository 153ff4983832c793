"""Typed wrappers of torch functions that torch annotates only in part."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch import Tensor

_torch: Any = torch


def from_numpy(array: np.ndarray) -> Tensor:
    """A tensor that shares the memory of `array`."""
    return _torch.from_numpy(array)


def integers(tensor: Tensor) -> list[int]:
    """The numbers of a tensor [n]."""
    values: Any = tensor
    return values.tolist()


def split(tensor: Tensor, sizes: Sequence[int]) -> list[Tensor]:
    """Consecutive parts of these sizes along the first dimension."""
    whole: Any = tensor
    return list(whole.split(list(sizes)))


def unflatten(tensor: Tensor, dimension: int, sizes: tuple[int, ...]) -> Tensor:
    """`tensor` with one dimension split into `sizes`; one of them may be -1."""
    whole: Any = tensor
    return whole.unflatten(dimension, sizes)


def backward(loss: Tensor) -> float:
    """Compute the gradients of `loss`, and return its value."""
    scalar: Any = loss
    scalar.backward()
    return loss.item()


def on_gradient(tensor: Tensor, call: Callable[[Tensor], None]) -> None:
    """Call `call` with the gradient of `tensor` in every backward pass."""
    hooked: Any = tensor
    hooked.register_hook(call)


def on_accumulated(parameter: Tensor, call: Callable[[Tensor], None]) -> Callable[[], None]:
    """Call `call` with `parameter` after its gradient is accumulated; returns what ends that."""
    hooked: Any = parameter
    return hooked.register_post_accumulate_grad_hook(call).remove


@contextmanager
def seeded(seed: int) -> Generator[None]:
    """Random numbers from `seed` within the block; the random state is restored after it."""
    with _torch.random.fork_rng(devices=[]):
        _torch.manual_seed(seed)
        yield


def frobenius_norm(matrix: Tensor) -> Tensor:
    """The Frobenius norm of a matrix."""
    return _torch.linalg.matrix_norm(matrix)


def inverse_cholesky(hessian: Tensor) -> Tensor:
    """Upper triangular U with U^T U = H^-1 for a positive definite H, both float64 [n, n].

    With H = R R^T, R upper triangular (a Cholesky factorization from the last column up), U is
    R^-1, so the inverse of H is never formed.

    >>> u = inverse_cholesky(torch.tensor([[4.0, 0.0], [0.0, 16.0]], dtype=torch.float64))
    >>> u.tolist()
    [[0.5, 0.0], [0.0, 0.25]]
    """
    upper = _torch.linalg.cholesky(hessian.flip(0, 1)).flip(0, 1)
    identity = torch.eye(len(hessian), dtype=hessian.dtype)
    return _torch.linalg.solve_triangular(upper, identity, upper=True)


def has_bfloat16_matrix_units() -> bool:
    """Whether the CPU multiplies matrices of bfloat16 in hardware (AVX512-BF16 or AMX)."""
    return _torch.cpu._is_avx512_bf16_supported() or _torch.cpu._is_amx_tile_supported()
