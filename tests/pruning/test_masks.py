"""Masks against the definition written out in plain loops."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from paretoscope.pruning.masks import mask_lowest, mask_lowest_globally, n_of_m

# Few distinct values, so that ties are the rule and not the exception.
matrices = hnp.arrays(
    np.float32, hnp.array_shapes(min_dims=2, max_dims=2, max_side=13), elements=st.integers(0, 4)
)


def pruned_by_hand(scores: np.ndarray, zeros: int) -> np.ndarray:
    """Go through the entries from the lowest score up, of equal ones the first, and strike them
    out.
    """
    keep = [True] * scores.size
    order = sorted(range(scores.size), key=lambda place: (scores.flat[place], place))
    for place in order[:zeros]:
        keep[place] = False
    return np.array(keep).reshape(scores.shape)


@given(matrices, st.floats(0, 0.999))
def test_exactly_the_promised_share_goes_the_lowest_first(
    scores: np.ndarray, sparsity: float
) -> None:
    mask = mask_lowest(torch.from_numpy(scores), sparsity).numpy()
    assert (~mask).sum() == round(sparsity * scores.size)
    assert (mask == pruned_by_hand(scores, round(sparsity * scores.size))).all()


@given(st.lists(matrices, min_size=1, max_size=3), st.floats(0, 0.999))
def test_global_ranking_is_the_ranking_of_one_long_row(
    several: list[np.ndarray], sparsity: float
) -> None:
    masks = mask_lowest_globally(
        {str(place): torch.from_numpy(scores) for place, scores in enumerate(several)}, sparsity
    )
    joined = np.concatenate([scores.ravel() for scores in several])
    expected = pruned_by_hand(joined, round(sparsity * joined.size))
    assert (np.concatenate([mask.numpy().ravel() for mask in masks.values()]) == expected).all()
    assert [tuple(mask.shape) for mask in masks.values()] == [scores.shape for scores in several]


@given(matrices, st.data())
def test_n_are_kept_in_every_group_of_m_along_the_inputs(
    scores: np.ndarray, data: st.DataObject
) -> None:
    of = data.draw(st.integers(2, 8))
    kept = data.draw(st.integers(1, of - 1))
    mask = n_of_m(torch.from_numpy(scores), kept, of).numpy()
    for row in range(scores.shape[0]):
        for start in range(0, scores.shape[1], of):
            group, stays = scores[row, start : start + of], mask[row, start : start + of]
            expected = kept if len(group) == of else int(np.ceil(kept * len(group) / of))
            assert stays.sum() == expected
            assert (stays == pruned_by_hand(group, len(group) - expected)).all()


@pytest.mark.parametrize("value", [0.0, 1.0])
def test_a_matrix_of_equal_scores_loses_the_exact_share_every_time(value: float) -> None:
    scores = torch.full((7, 9), value)
    first = mask_lowest(scores, 0.5)
    assert int((~first).sum()) == round(0.5 * 63)
    assert torch.equal(first, mask_lowest(scores.clone(), 0.5))
