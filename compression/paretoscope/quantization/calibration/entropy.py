"""Entropy calibration: the threshold at which 8 bits keep most of an activation's distribution
(Migacz 2017, "8-bit Inference with TensorRT", GTC s7310; ONNX Runtime's calibrator follows the same
slides).

For every threshold, the distribution with all outliers moved to the last bin (P) is compared with
the same bins as the integers would give them back (Q); the least Kullback-Leibler divergence wins.
It looks at shape alone: what a cut-off value costs the model it does not know, and on transformers,
whose rare large values carry much, that can hurt.
"""

from __future__ import annotations

import numpy as np

from paretoscope.quantization.calibration.histogram import Histogram

LEVELS = 255
"""Integers on both sides of zero together."""
BINS = 2048
EPSILON = 1e-4
"""Mass given to empty bins, so that the divergence is finite."""


def clipped_range(histogram: Histogram) -> tuple[float, float]:
    """(low, high): the best symmetric threshold, never beyond what was seen."""
    counts = histogram.counts.reshape(min(BINS, len(histogram.counts)), -1).sum(axis=1)
    width = 2 * histogram.limit / len(counts)
    return histogram.clipped(best_half(counts, LEVELS) * width)


def best_half(counts: np.ndarray, levels: int) -> int:
    """How many bins on either side of the middle to keep, of `counts` [bins] around zero; at least
    half of `levels`.

    With an odd number of bins the middle one comes on top.
    """
    middle, odd = divmod(len(counts), 2)
    halves = range(levels // 2, middle + 1)
    divergences = [
        _divergence(counts, middle - half, middle + half + odd, levels) for half in halves
    ]
    return halves[int(np.argmin(divergences))] if divergences else middle


def _divergence(counts: np.ndarray, start: int, end: int, levels: int) -> float:
    """KL(P || Q) when bins `start` to `end` are kept and given back by `levels` integers."""
    kept = counts[start:end]
    reference = kept.astype(np.float64)
    reference[0] += counts[:start].sum()
    reference[-1] += counts[end:].sum()
    filled = reference > 0
    merged = max(1, len(kept) // levels)
    starts = np.arange(min(levels, len(kept))) * merged
    mass, bins = np.add.reduceat(kept, starts), np.add.reduceat(filled, starts, dtype=np.int64)
    level = np.minimum(np.arange(len(kept)) // merged, len(starts) - 1)
    restored = np.where(filled, (mass / np.maximum(bins, 1))[level], 0.0)
    p, q = _smoothed(reference), _smoothed(restored)
    return np.inf if p is None or q is None else float((p * np.log(p / q)).sum())


def _smoothed(masses: np.ndarray) -> np.ndarray | None:
    """A distribution without zeros: empty bins get `EPSILON`, taken evenly from the others; None
    when there is nothing to take from.
    """
    empty = masses == 0
    count = int(empty.sum())
    if count == len(masses):
        return None
    taken = EPSILON * count / (len(masses) - count)
    if taken >= 1:
        return None
    smoothed = np.where(empty, EPSILON, masses - taken)
    return smoothed / smoothed.sum() if smoothed.min() > 0 else None
