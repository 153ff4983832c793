"""Half precision, in which a file stores scales; in memory they are float32 of the same values."""

from __future__ import annotations

import numpy as np

FLOAT16_BYTES = 2
"""Bytes of a number."""
SMALLEST, LARGEST = float(np.finfo(np.float16).smallest_subnormal), float(np.finfo(np.float16).max)


def to_float16(values: np.ndarray, positive: bool = False) -> np.ndarray:
    """The nearest float16 values, as float32; with `positive` none becomes 0.

    >>> to_float16(np.array([0.1, 1e-9]), positive=True).tolist()
    [0.0999755859375, 5.960464477539063e-08]
    """
    least = SMALLEST if positive else -LARGEST
    return np.clip(values, least, LARGEST).astype(np.float16).astype(np.float32)
