"""Round to nearest: every weight takes the closest of its group's levels, whatever the data (Jacob
et al. 2018).

8 bits are symmetric around zero. 2 and 4 bits are asymmetric with an integer zero point, for a
quarter of four levels is too much to waste on a side that has no weights. Either way zero is a
level, so what pruning made zero stays exactly zero. With a real zero point the levels go from a
group's least weight to its largest, as in the Q4_1 of GGUF files, whose weights come back exactly:
they are levels of the grid that is found here, down to the last bit.
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
    """Round float32 `weight` [rows, columns] in groups along its columns; `hessian` is not used by
    this rounding.

    >>> g = quantize_groups(np.array([[0.0, 1.0, 3.0, 0.4]], dtype=np.float32), bits=2, group_size=4)
    >>> g.codes.tolist(), g.scales.tolist(), g.zero_points.tolist()
    ([[0, 1, 3, 0]], [[1.0]], [[0]])
    """
    return grid(in_groups(weight, group_size), bits, real).nearest(weight, group_size)


def grid(grouped: np.ndarray, bits: int, real: bool = False) -> Grid:
    """The grid of each group's range, with zero included unless the zero point is `real`; 8 bits
    are symmetric in any case.
    """
    if bits == 8:
        return Grid.symmetric(np.abs(grouped).max(axis=-1))
    low, high = grouped.min(axis=-1), grouped.max(axis=-1)
    return (
        Grid.spanning(low, high, bits, real=True)
        if real
        else Grid.spanning(np.minimum(low, 0), np.maximum(high, 0), bits)
    )
