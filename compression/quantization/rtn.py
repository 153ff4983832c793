"""Round to nearest: every weight takes the closest of its group's levels, whatever the data (Jacob et al. 2018).

8 bits are symmetric around zero. 2 and 4 bits are asymmetric with an integer zero point, for a quarter of
four levels is too much to waste on a side that has no weights. Either way zero is a level, so what
pruning made zero stays exactly zero.
"""

from __future__ import annotations

import numpy as np

from compression.quantization.groups import Groups, in_groups


def quantize_groups(weight: np.ndarray, bits: int, group_size: int, hessian: np.ndarray | None = None) -> Groups:
    """Round float32 `weight` [rows, columns] in groups along its columns; `hessian` is not used by this rounding.

    >>> g = quantize_groups(np.array([[0.0, 1.0, 3.0, 0.4]], dtype=np.float32), bits=2, group_size=4)
    >>> g.codes.tolist(), g.scales.tolist(), g.zero_points.tolist()
    ([[0, 1, 3, 0]], [[1.0]], [[0]])
    """
    grouped = in_groups(weight, group_size)
    scales, zero_points = grid(grouped, bits)
    codes = np.rint(grouped / scales[..., None]) + zero_points[..., None]
    codes = np.clip(codes, 0, 2**bits - 1).astype(np.uint8).reshape(len(weight), -1)[:, : weight.shape[1]]
    return Groups(codes, scales, zero_points.astype(np.uint8), bits, group_size)


def grid(grouped: np.ndarray, bits: int) -> tuple[np.ndarray, np.ndarray]:
    """Scale (float32, above 0) and zero point of each group, from its range with zero included."""
    if bits == 8:
        scales = np.abs(grouped).max(axis=-1) / np.float32(127)
        scales[scales == 0] = 1
        return scales.astype(np.float32), np.full(scales.shape, 128.0, dtype=np.float32)
    low, high = np.minimum(grouped.min(axis=-1), 0), np.maximum(grouped.max(axis=-1), 0)
    scales = ((high - low) / np.float32(2**bits - 1)).astype(np.float32)
    scales[scales == 0] = 1
    return scales, np.rint(-low / scales)
