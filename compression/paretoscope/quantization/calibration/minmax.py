"""Min-max calibration: the whole observed range, outliers included; nothing is clipped.

    low = min x, high = max x

Jacob et al. 2018, arXiv:1712.05877.
"""

from __future__ import annotations

from paretoscope.quantization.calibration.histogram import Histogram


def clipped_range(histogram: Histogram) -> tuple[float, float]:
    """(low, high) of all values."""
    return histogram.low, histogram.high
