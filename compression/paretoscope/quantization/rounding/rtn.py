"""Round to nearest (RTN): every weight becomes the nearest level of its group.

    q = round(w / scale) + zero_point

Jacob et al. 2018, arXiv:1712.05877. 8 bits are symmetric around zero. 2 and 4 bits have an integer
zero point, as a quarter of four levels is too much for a side without weights. Zero is a level
either way, so pruned weights stay zero. With a real zero point the levels span exactly a group's
range, as in the Q4_1 of GGUF files, whose weights are restored to the last bit.
"""

from __future__ import annotations

import numpy as np

from paretoscope.quantization.packing.groups import Groups, in_groups
from paretoscope.quantization.rounding.grid import Grid


def quantize_groups(
    weight: np.ndarray,
    bits: int,
    group_size: int,
    hessian: np.ndarray | None = None,
    real: bool = False,
) -> Groups:
    """Round float32 `weight` [rows, columns] in groups along its columns; `hessian` is ignored.

    >>> weight = np.array([[0.0, 1.0, 3.0, 0.4]], dtype=np.float32)
    >>> g = quantize_groups(weight, bits=2, group_size=4)
    >>> g.codes.tolist(), g.scales.tolist(), g.zero_points.tolist()
    ([[0, 1, 3, 0]], [[1.0]], [[0]])
    """
    return grid(in_groups(weight, group_size), bits, real).nearest(weight, group_size)


def grid(grouped: np.ndarray, bits: int, real: bool = False) -> Grid:
    """The grid of each group's range; zero is a level unless the zero point is `real`.

    8 bits are always symmetric.
    """
    if bits == 8:
        return Grid.symmetric(np.abs(grouped).max(axis=-1))
    low, high = grouped.min(axis=-1), grouped.max(axis=-1)
    if real:
        return Grid.spanning(low, high, bits, real=True)
    return Grid.spanning(np.minimum(low, 0), np.maximum(high, 0), bits)
