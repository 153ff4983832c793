"""Chooses the next token from logits: greedy, or sampled with temperature, top-k and top-p.

It needs numpy only; the loop that generates is in `generate.py`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Logits = NDArray[np.floating]


@dataclass(frozen=True)
class Sampling:
    """How tokens are chosen; the default is greedy decoding.

    At `temperature` 0 the most likely token is chosen. Above, one is drawn from the `top_k` most
    likely tokens (0 for all) whose probabilities sum to `top_p`; equal seeds draw equal tokens.
    """

    temperature: float = 0.0
    top_k: int = 0
    top_p: float = 1.0
    seed: int = 0


class Sampler:
    """Chooses a token from logits [vocabulary]; it holds the random state of one text."""

    def __init__(self, sampling: Sampling) -> None:
        self._sampling = sampling
        self._random = np.random.default_rng(sampling.seed)

    def __call__(self, logits: Logits) -> int:
        how = self._sampling
        if how.temperature <= 0:
            return int(logits.argmax())
        scaled = logits.astype(np.float64) / how.temperature
        order, probabilities = most_likely(scaled, how.top_k, how.top_p)
        drawn: float = self._random.random() * probabilities.sum()
        index = int(np.searchsorted(probabilities.cumsum(), drawn, side="right"))
        return int(order[min(index, len(order) - 1)])


def most_likely(
    logits: Logits, top_k: int, top_p: float
) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """(tokens that may be drawn, most likely first; their probabilities).

    The last one is the first at which the cumulative probability reaches `top_p`.

    >>> order, probabilities = most_likely(np.log([0.2, 0.5, 0.3]), top_k=0, top_p=0.6)
    >>> order.tolist(), probabilities.round(2).tolist()
    ([1, 2], [0.5, 0.3])
    """
    order = np.argsort(-logits, kind="stable")[: top_k or None]
    probabilities = np.exp(logits[order] - logits[order[0]]).astype(np.float64)
    probabilities /= probabilities.sum()
    count = int(np.searchsorted(probabilities.cumsum(), top_p)) + 1
    return order[:count], probabilities[:count]
