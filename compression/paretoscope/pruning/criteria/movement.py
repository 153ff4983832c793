"""Movement: a weight that retraining pulls towards zero matters least, however large it still is
(Sanh et al. 2020, arXiv:2005.07683).

It only scores; what training did to each weight is watched by `pruning/statistics/gradients.py`,
and when is for `weights.py`.
"""

from __future__ import annotations

from torch import Tensor


def score(weight: Tensor, movement: Tensor) -> Tensor:
    """-(sum over steps of w * gradient) (equation 4): `movement` [out, in] as added up so far ->
    scores [out, in], the highest kept.

    The paper lets a pruned weight return; here zeros are held, so a score only ever rises or falls
    while its weight is there.
    """
    return movement
