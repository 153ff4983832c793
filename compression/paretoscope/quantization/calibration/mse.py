"""MSE calibration: the clipping threshold with the least squared error after rounding.

    argmin over thresholds of sum (q(x) - x)^2

Choukroun et al. 2019, arXiv:1902.06822.
"""

from __future__ import annotations

import numpy as np

from paretoscope.quantization.calibration.histogram import Histogram
from paretoscope.quantization.calibration.uint8_grid import activation_grid

STEPS = 100
"""Thresholds that are tried."""


def clipped_range(histogram: Histogram) -> tuple[float, float]:
    """(low, high) at the best of `STEPS` thresholds up to the largest value.

    Of equal ones the largest is chosen.
    """
    candidates = [histogram.clipped(histogram.peak * step / STEPS) for step in range(STEPS, 0, -1)]
    filled = histogram.counts > 0
    values, counts = histogram.centres[filled], histogram.counts[filled]
    errors = [squared_error(values, counts, low, high) for low, high in candidates]
    return candidates[int(np.argmin(errors))]


def squared_error(values: np.ndarray, counts: np.ndarray, low: float, high: float) -> float:
    """Sum of squared errors of `values`, each `counts` times, on the uint8 grid of (low, high)."""
    scale, zero = (part.astype(np.float64) for part in activation_grid(low, high))
    codes = np.clip(np.rint(values / scale) + zero, 0, 255)
    return float((counts * np.square((codes - zero) * scale - values)).sum())
