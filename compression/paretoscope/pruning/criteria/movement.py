"""Movement pruning: a weight that training moves towards zero matters least, whatever its size.

    score_ij = -sum over steps of w_ij * dL/dw_ij

Sanh et al. 2020, arXiv:2005.07683, equation 4. `statistics/gradients.py` accumulates the sum. In
the paper a pruned weight may return; here zeros are held.
"""

from __future__ import annotations

from torch import Tensor


def score(weight: Tensor, movement: Tensor) -> Tensor:
    """The accumulated `movement` [out, in]: scores [out, in], the highest kept."""
    return movement
