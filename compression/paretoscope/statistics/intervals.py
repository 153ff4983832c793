"""Confidence intervals and tests of single numbers, with numpy and `math` only.

Comparisons of two models on the same examples are in `paired.py`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
CONFIDENCE = 0.95


def wilson(successes: int, n: int, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """Interval of a proportion (Wilson 1927, score interval without continuity correction).

    Returns (low, high), fractions within [0, 1]. Raises ValueError unless 0 <= successes <= n and n
    > 0.

    >>> low, high = wilson(81, 263)
    >>> round(low, 4), round(high, 4)
    (0.2553, 0.3662)
    """
    if not 0 <= successes <= n or n == 0:
        raise ValueError(f"{successes} successes of {n} is not a proportion")
    z = NormalDist().inv_cdf(0.5 + confidence / 2)
    share = successes / n
    middle = share + z * z / (2 * n)
    half = z * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    scale = 1 + z * z / n
    # at 0 or n successes one end is exactly 0 or 1; rounding must not move it past the share itself
    low, high = (middle - half) / scale, (middle + half) / scale
    return max(0.0, min(share, low)), min(1.0, max(share, high))


def mcnemar_exact(lost: int, gained: int) -> float:
    """Exact two-sided p-value of McNemar's test.

    `lost` examples are correct in the first model only, `gained` in the second only. Under the null
    hypothesis each is Binomial(lost + gained, 1/2). Without any disagreement p is 1.

    >>> mcnemar_exact(1, 9)
    0.021484375
    """
    n, fewer = lost + gained, min(lost, gained)
    term = total = 1
    for k in range(1, fewer + 1):
        term = term * (n - k + 1) // k
        total += term
    # Python's integers keep the sum exact; only the division rounds
    return min(1.0, 2 * total / 2**n)


def median_interval(samples: Floats, confidence: float = CONFIDENCE) -> tuple[float, float] | None:
    """Distribution-free interval of the median by order statistics (Conover 1999, section 3.2).

    The r-th smallest and r-th largest of the n samples bound the median with at least `confidence`
    when P(Binomial(n, 1/2) < r) <= (1 - confidence) / 2. None when no r does (n < 6 at 95 %). The
    samples are assumed to be independent.

    >>> median_interval(np.arange(1.0, 21.0))
    (6.0, 15.0)
    """
    n, tail = len(samples), (1 - confidence) / 2
    rank, below, log_half = 0, 0.0, n * math.log(0.5)
    while rank <= n:
        below += math.exp(
            math.lgamma(n + 1) - math.lgamma(rank + 1) - math.lgamma(n - rank + 1) + log_half
        )
        if below > tail:
            break
        rank += 1
    if rank == 0:
        return None
    ordered = np.sort(samples)
    return float(ordered[rank - 1]), float(ordered[n - rank])


def supports(n: int, quantile: float, confidence: float = CONFIDENCE) -> bool:
    """Whether the largest of `n` samples exceeds an upper quantile with `confidence`.

    That is 1 - quantile^n >= confidence (Wilks 1941): 59 samples for the 95th percentile, 299 for
    the 99th.

    >>> supports(58, 0.95), supports(59, 0.95), supports(298, 0.99), supports(299, 0.99)
    (False, True, False, True)
    """
    return 1 - quantile**n >= confidence


def supported_quantile(samples: Floats, quantile: float) -> float | None:
    """The quantile, linear between order statistics; None where the samples are too few for it."""
    return float(np.quantile(samples, quantile)) if supports(len(samples), quantile) else None


def ratio_of_medians(
    over: Sequence[Floats],
    under: Sequence[Floats],
    *,
    confidence: float = CONFIDENCE,
    replicates: int = 1000,
    seed: int = 0,
) -> tuple[float, float, float]:
    """median(over) / median(under) with its percentile interval, by a two-level bootstrap.

    `over[i]` and `under[i]` are the samples of turn i, measured consecutively in one process each.
    A replicate draws turns with replacement, both sides of a turn together because they share the
    state of the machine, then samples within each. Variation between processes therefore widens
    the interval (Davison and Hinkley 1997, section 3.8; Kalibera and Jones 2013). Deterministic for
    a given `seed`.

    Returns (value, low, high). Raises ValueError if the turns do not pair up or a turn is empty.
    """
    if len(over) != len(under) or not over or any(len(turn) == 0 for turn in (*over, *under)):
        raise ValueError(
            f"{len(over)} and {len(under)} turns do not pair up, or one of them is empty"
        )
    random = np.random.default_rng(seed)
    ratios = np.empty(replicates)
    for at in range(replicates):
        turns = random.integers(len(over), size=len(over))
        above, below = (_resampled_median(side, turns, random) for side in (over, under))
        ratios[at] = above / below
    tail = (1 - confidence) / 2
    low, high = np.quantile(ratios, [tail, 1 - tail])
    value = float(np.median(np.concatenate(over)) / np.median(np.concatenate(under)))
    # the percentile interval of a median can miss the point estimate by one order statistic
    return value, min(value, float(low)), max(value, float(high))


def _resampled_median(
    turns: Sequence[Floats], drawn: NDArray[np.int64], random: np.random.Generator
) -> float:
    """Median after drawing samples with replacement within each of the drawn turns."""
    samples: list[Floats] = []
    for number in drawn:
        turn = turns[int(number)]
        samples.append(turn[random.integers(len(turn), size=len(turn))])
    return float(np.median(np.concatenate(samples)))


def ratio_of_sums(
    over: Floats,
    under: Floats,
    *,
    confidence: float = CONFIDENCE,
    replicates: int = 1000,
    seed: int = 0,
) -> Floats:
    """[value, low, high] of sum(over) / sum(under), by a bootstrap over pairs.

    A pair is a document: its tokens are correlated, so documents are resampled instead of tokens
    (cluster bootstrap, Davison and Hinkley 1997, section 3.8). Deterministic under `seed`.

    >>> ratio_of_sums(np.array([2.0, 4.0, 6.0]), np.array([1.0, 2.0, 3.0]))
    array([2., 2., 2.])
    """
    drawn = np.random.default_rng(seed).integers(len(over), size=(replicates, len(over)))
    ratios = over[drawn].sum(axis=1) / under[drawn].sum(axis=1)
    tail = (1 - confidence) / 2
    low, high = np.quantile(ratios, [tail, 1 - tail])
    value = over.sum() / under.sum()
    return np.array([value, min(value, low), max(value, high)])


def log_softmax(logits: Floats) -> Floats:
    """Log-softmax over the last axis, stable for large logits: [n, classes] -> [n, classes]."""
    shifted = logits - logits.max(axis=-1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))


def kl_divergence(reference_logits: Floats, logits: Floats) -> float:
    """Mean of KL(softmax(reference) || softmax(logits)) over examples in nats; both [n, classes].

    Clipped at 0, below which only rounding errors can bring it.
    """
    reference = log_softmax(np.asarray(reference_logits, dtype=np.float64))
    other = log_softmax(np.asarray(logits, dtype=np.float64))
    divergences = (np.exp(reference) * (reference - other)).sum(axis=-1)
    return max(0.0, float(divergences.mean()))
