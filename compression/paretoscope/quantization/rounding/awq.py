"""AWQ: inputs that are large get finer weights, by a scale on each input that the graph takes back
elsewhere.

Lin et al. 2024 (arXiv:2306.00978): W x = (W diag(s)) (x / s), so rounding W diag(s) in place of W
divides the error of an input by its s. The scale is s = mean |x|^alpha, with the alpha of the least
output error on the calibration split, alpha 0 (no scale) among those tried; then each group's range
is clipped where that errs less. Where x / s is computed is `rescale.py`'s.
"""

from __future__ import annotations

import numpy as np

from paretoscope.quantization.packing.groups import Groups, in_groups
from paretoscope.quantization.rounding import rtn
from paretoscope.quantization.rounding.gptq import better_rows, output_errors
from paretoscope.quantization.rounding.grid_search import diagonal_blocks, searched_grid
from paretoscope.quantization.rounding.hessians import Inputs

ALPHAS = np.linspace(0, 1, 11)


def quantize_groups(
    weight: np.ndarray,
    bits: int,
    group_size: int,
    hessian: np.ndarray | None = None,
    real: bool = False,
) -> Groups:
    """Round float32 `weight` [outputs, inputs], scaled already, to the nearest levels of clipped
    ranges.

    A row that errs less without clipping is not clipped. Without a Hessian ranges are clipped by
    the error of the weights.
    """
    if hessian is None:
        return searched_grid(in_groups(weight, group_size), bits, real=real).nearest(
            weight, group_size
        )
    clipped = searched_grid(
        in_groups(weight, group_size), bits, diagonal_blocks(hessian, group_size), real
    ).nearest(weight, group_size)
    return better_rows(
        clipped, rtn.quantize_groups(weight, bits, group_size, real=real), weight, hessian
    )


def input_scales(
    weight: np.ndarray, bits: int, group_size: int, inputs: Inputs, real: bool = False
) -> np.ndarray:
    """float32 [inputs]: the s of the least output error when `weight` [outputs, inputs] times s is
    rounded to nearest.
    """
    best, least = np.ones(weight.shape[1], dtype=np.float32), np.inf
    for alpha in ALPHAS:
        scales = _scales(inputs.magnitude, float(alpha))
        groups = rtn.quantize_groups(weight * scales, bits, group_size, real=real)
        error = float(
            output_errors(groups, weight * scales, inputs.divided_by(scales).hessian).sum()
        )
        if error < least:
            best, least = scales, error
    return best


def _scales(magnitude: np.ndarray, alpha: float) -> np.ndarray:
    """mean |x|^alpha, around 1: divided by the geometric mean of its ends. Inputs that are never
    met count as hardly ever.
    """
    powers = np.maximum(magnitude, 1e-4 * max(float(magnitude.max()), 1e-12)) ** np.float32(alpha)
    return (powers / np.sqrt(powers.max() * powers.min())).astype(np.float32)
