"""SparseGPT against the optimal brain surgeon written out: one inverse a column, and the best
possible weights for a mask.
"""

from __future__ import annotations

import numpy as np
import pytest
import torch

from paretoscope.pruning.criteria import sparsegpt
from paretoscope.pruning.criteria.sparsegpt import BLOCK, DAMPENING, inverse_factor, prune
from paretoscope.pruning.masks import mask_lowest


def problem(
    rows: int, columns: int, seed: int = 0
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """A matrix, correlated inputs [tokens, columns], and their second moments."""
    generator = torch.Generator().manual_seed(seed)
    mixing = torch.randn(columns, columns, generator=generator)
    inputs = torch.randn(4 * columns, columns, generator=generator) @ mixing
    return torch.randn(rows, columns, generator=generator), inputs, inputs.T @ inputs / len(inputs)


def damped(moments: torch.Tensor) -> np.ndarray:
    hessian = moments.double().numpy().copy()
    hessian[np.diag_indices_from(hessian)] += DAMPENING * np.diag(hessian).mean()
    return hessian


def surgeon(weight: torch.Tensor, moments: torch.Tensor, keep: np.ndarray) -> np.ndarray:
    """Equation 3 of the paper column by column, with the inverse of what is left of the Hessian
    computed anew each time.
    """
    work, hessian = weight.double().numpy().copy(), damped(moments)
    for column in range(work.shape[1]):
        inverse = np.linalg.inv(hessian[column:, column:])
        for row in range(work.shape[0]):
            if not keep[row, column]:
                work[row, column:] -= work[row, column] / inverse[0, 0] * inverse[0]
                work[row, column] = 0
    return work


def test_the_factor_is_the_cholesky_factor_of_the_inverse() -> None:
    _, _, moments = problem(1, 12)
    factor = inverse_factor(moments).double().numpy()
    assert np.allclose(np.tril(factor, -1), 0)
    assert (np.diag(factor) > 0).all()
    np.testing.assert_allclose(
        factor.T @ factor, np.linalg.inv(damped(moments)), rtol=1e-4, atol=1e-6
    )


def test_within_one_block_it_is_the_surgeon_on_the_same_mask() -> None:
    weight, _, moments = problem(6, 16)
    made = prune(weight, moments, 0.5)
    inverse = np.linalg.inv(damped(moments))
    # The Cholesky diagonal at column j is the inverse's once the columns before j are done.
    left = np.array(
        [np.linalg.inv(damped(moments)[column:, column:])[0, 0] for column in range(16)]
    )
    assert np.allclose(inverse[0, 0], left[0])
    keep = mask_lowest(torch.from_numpy(weight.double().numpy() ** 2 / left), 0.5).numpy()
    np.testing.assert_array_equal(made.numpy() != 0, keep)
    np.testing.assert_allclose(made.numpy(), surgeon(weight, moments, keep), rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("pattern", [None, (2, 4), (3, 7)])
def test_blocks_change_the_mask_but_not_the_update(
    monkeypatch: pytest.MonkeyPatch, pattern: tuple[int, int] | None
) -> None:
    monkeypatch.setattr(sparsegpt, "BLOCK", 8)
    weight, _, moments = problem(5, 30)
    made = prune(weight, moments, 0.5, pattern)
    np.testing.assert_allclose(
        made.numpy(), surgeon(weight, moments, made.numpy() != 0), rtol=1e-3, atol=1e-4
    )


@pytest.mark.parametrize("pattern", [None, (2, 4)])
def test_outputs_stay_closer_than_with_magnitude_alone(pattern: tuple[int, int] | None) -> None:
    weight, _, _ = problem(32, BLOCK + 32)
    generator = torch.Generator().manual_seed(1)
    few, noise = (torch.randn(600, size, generator=generator) for size in (40, BLOCK + 32))
    inputs = (
        few @ torch.randn(40, BLOCK + 32, generator=generator) + 0.3 * noise
    )  # most of it in a few directions, as in a transformer
    made = prune(weight, inputs.T @ inputs / len(inputs), 0.5, pattern)
    by_mask_alone = weight * (made != 0)
    by_magnitude = weight * mask_lowest(weight.abs(), 0.5)

    def error(pruned: torch.Tensor) -> float:
        return float((inputs @ (weight - pruned).T).norm())

    assert error(made) < 0.7 * error(by_mask_alone)
    assert error(made) < 0.7 * error(by_magnitude)


def test_with_independent_inputs_nothing_can_be_made_up_for() -> None:
    weight, _, _ = problem(8, 16)
    made = prune(weight, torch.eye(16), 0.5)
    torch.testing.assert_close(made, weight * mask_lowest(weight.abs(), 0.5))


def test_inputs_that_never_come_are_no_trouble() -> None:
    weight, _, moments = problem(4, 16)
    moments[3] = moments[:, 3] = 0
    made = prune(weight, moments, 0.5)
    assert made.isfinite().all()
    assert (made[:, 3] == 0).all()
    assert int((made == 0).sum()) == 32
    assert prune(weight, torch.zeros(16, 16), 0.5).isfinite().all()
