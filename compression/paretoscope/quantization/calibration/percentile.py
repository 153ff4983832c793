"""Percentile calibration: the rarest values at either end are clipped, whatever their size.

    99.99 % of the values lie within (low, high)

Wu et al. 2020, arXiv:2004.09602.
"""

from __future__ import annotations

import numpy as np

from paretoscope.quantization.calibration.histogram import Histogram

PERCENTILE = 99.99
"""Per cent of the values that are not clipped; the rest is split evenly between the two ends."""


def clipped_range(histogram: Histogram, percentile: float = PERCENTILE) -> tuple[float, float]:
    """(low, high) of `percentile` per cent of the values, to the width of a bin.

    It is at most the observed range.

    >>> histogram = Histogram.of(np.arange(-50, 50) + 0.5, bins=128)
    >>> clipped_range(histogram, 90)
    (-45.0, 45.0)
    """
    below = np.cumsum(histogram.counts)
    clipped = float(histogram.counts.sum()) * (100 - percentile) / 200
    first = int(np.searchsorted(below, clipped, side="right"))
    last = int(np.searchsorted(below, float(below[-1]) - clipped, side="left"))
    edges = np.arange(len(below) + 1) * histogram.width - histogram.limit
    return max(histogram.low, float(edges[first])), min(histogram.high, float(edges[last + 1]))
