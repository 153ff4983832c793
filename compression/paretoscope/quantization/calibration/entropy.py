"""Entropy calibration: the clipping threshold that preserves the distribution best in 8 bits.

    argmin over thresholds of KL(P || Q)

Migacz 2017, "8-bit Inference with TensorRT", GTC s7310; ONNX Runtime's calibrator follows it. P is
the distribution with all outliers in its last bin, Q is what 255 integers restore of it. It ignores
the size of clipped values, which can hurt transformers, whose rare large values carry much.
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
    """(low, high): the best symmetric threshold, at most the observed range."""
    counts = histogram.counts.reshape(min(BINS, len(histogram.counts)), -1).sum(axis=1)
    width = 2 * histogram.limit / len(counts)
    return histogram.clipped(best_half(counts, LEVELS) * width)


def best_half(counts: np.ndarray, levels: int) -> int:
    """Bins to keep on either side of the middle of `counts` [bins]; at least half of `levels`.

    With an odd number of bins the middle one is kept too.
    """
    middle, odd = divmod(len(counts), 2)
    candidates = range(levels // 2, middle + 1)
    divergences = [
        _divergence(counts, middle - kept, middle + kept + odd, levels) for kept in candidates
    ]
    return candidates[int(np.argmin(divergences))] if divergences else middle


def _divergence(counts: np.ndarray, start: int, end: int, levels: int) -> float:
    """KL(P || Q) when bins `start` to `end` are kept and restored from `levels` integers."""
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
    """A distribution in which empty bins have `EPSILON`, subtracted evenly from the others.

    None if the other bins hold too little.
    """
    empty = masses == 0
    count = int(empty.sum())
    if count == len(masses):
        return None
    share = EPSILON * count / (len(masses) - count)
    if share >= 1:
        return None
    smoothed = np.where(empty, EPSILON, masses - share)
    return smoothed / smoothed.sum() if smoothed.min() > 0 else None
