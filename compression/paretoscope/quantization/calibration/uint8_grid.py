"""The uint8 grid of an activation: scale and zero point from its range."""

from __future__ import annotations

import numpy as np


def activation_grid(low: float, high: float) -> tuple[np.ndarray, np.ndarray]:
    """Scale (float32) and zero point (uint8), both scalars, of the grid from low to high.

    Zero is a level of the grid.

    >>> scale, zero = activation_grid(-1.0, 4.1)
    >>> round(float(scale), 4), int(zero)
    (0.02, 50)
    """
    low, high = min(low, 0.0), max(high, 0.0)
    scale = (high - low) / 255 or 1.0
    return np.array(scale, dtype=np.float32), np.array(np.rint(-low / scale), dtype=np.uint8)
