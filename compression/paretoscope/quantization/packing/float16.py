"""Half precision, in which a file keeps scales; in memory they are float32 numbers that it has."""

from __future__ import annotations

import numpy as np

HALF = 2
"""Bytes of a number in half precision."""
SMALLEST, LARGEST = float(np.finfo(np.float16).smallest_subnormal), float(np.finfo(np.float16).max)


def half(values: np.ndarray, positive: bool = False) -> np.ndarray:
    """The nearest numbers that half precision has, as float32; `positive` ones do not vanish.

    >>> half(np.array([0.1, 1e-9]), positive=True).tolist()
    [0.0999755859375, 5.960464477539063e-08]
    """
    least = SMALLEST if positive else -LARGEST
    return np.clip(values, least, LARGEST).astype(np.float16).astype(np.float32)
