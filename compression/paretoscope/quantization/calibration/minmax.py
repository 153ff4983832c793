"""Min-max calibration: the range is all that was seen, outliers included, and nothing is ever cut
off (Jacob et al. 2018).
"""

from __future__ import annotations

from paretoscope.quantization.calibration.histogram import Histogram


def clipped_range(histogram: Histogram) -> tuple[float, float]:
    """(low, high) of everything counted."""
    return histogram.low, histogram.high
