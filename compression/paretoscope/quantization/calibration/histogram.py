"""The histogram of an activation, filled in one pass over the calibration texts.

Calibrations of `CALIBRATIONS` read it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

BINS = 4096
"""Even, so that zero is an edge of two bins, also after neighbours are merged."""


@dataclass
class Histogram:
    """`counts` int64 [bins] of equal width over [-limit, limit]; `low` and `high` are the exact
    extremes.

    `limit` is a power of two above every value. A value that reaches it doubles it and merges bins
    in pairs, so the result does not depend on the order of the values.

    >>> histogram = Histogram.of(np.array([-1.0, 0.25, 3.0]), bins=8)
    >>> histogram.limit, histogram.counts.tolist(), histogram.low, histogram.high
    (4.0, [0, 0, 0, 1, 1, 0, 0, 1], -1.0, 3.0)
    """

    counts: np.ndarray
    limit: float = 0.0
    low: float = np.inf
    high: float = -np.inf

    @classmethod
    def empty(cls, bins: int = BINS) -> Histogram:
        return cls(np.zeros(bins, dtype=np.int64))

    @classmethod
    def of(cls, values: np.ndarray, bins: int = BINS) -> Histogram:
        histogram = cls.empty(bins)
        histogram.add(values)
        return histogram

    @property
    def width(self) -> float:
        """Width of a bin."""
        return 2 * self.limit / len(self.counts)

    @property
    def centres(self) -> np.ndarray:
        """The middle of every bin, [bins]."""
        return (np.arange(len(self.counts)) + 0.5) * self.width - self.limit

    @property
    def peak(self) -> float:
        """The largest absolute value."""
        return max(-self.low, self.high, 0.0)

    def add(self, values: np.ndarray) -> None:
        """Count `values`, of any shape and not empty."""
        self.low = min(self.low, float(values.min()))
        self.high = max(self.high, float(values.max()))
        self._grow(self.peak)
        bins = len(self.counts)
        if self.limit == 0:
            self.counts[bins // 2] += values.size  # only zeros so far
            return
        bin_of = np.floor(values.ravel().astype(np.float64) / self.width).astype(np.int64)
        self.counts += np.bincount(bin_of + bins // 2, minlength=bins)

    def clipped(self, threshold: float) -> tuple[float, float]:
        """The observed range, clipped to -threshold and threshold."""
        return max(self.low, -threshold), min(self.high, threshold)

    def _grow(self, peak: float) -> None:
        if peak == 0:
            return
        if self.limit == 0:
            self.limit = 2.0 ** math.frexp(peak)[1]
        while self.limit <= peak:
            pairs = self.counts.reshape(-1, 2).sum(axis=1)
            self.counts = np.zeros_like(self.counts)
            quarter = len(pairs) // 2
            self.counts[quarter : quarter + len(pairs)] = pairs
            self.limit *= 2
