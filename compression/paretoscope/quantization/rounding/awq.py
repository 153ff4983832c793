"""AWQ: a scale on each input makes the weights of large inputs more precise.

    W x = (W diag(s)) (x / s),    s = mean |x|^alpha

Lin et al. 2024, arXiv:2306.00978. Rounding W diag(s) in place of W divides the error of an input by
its s. alpha has the least output error on the calibration split, with 0 (no scale) among those
tried; then each group's range is clipped where that reduces the error. `rescale.py` computes x / s.
"""

from __future__ import annotations

import numpy as np

from paretoscope.quantization.packing.groups import Groups, in_groups
from paretoscope.quantization.rounding import rtn
from paretoscope.quantization.rounding.gptq import better_rows, output_errors
from paretoscope.quantization.rounding.grid_search import diagonal_blocks, searched_grid
from paretoscope.quantization.rounding.hessians import InputStatistics

ALPHAS = np.linspace(0, 1, 11)


def quantize_groups(
    weight: np.ndarray,
    bits: int,
    group_size: int,
    hessian: np.ndarray | None = None,
    real: bool = False,
) -> Groups:
    """Round float32 `weight` [outputs, inputs], already scaled, to levels of clipped ranges.

    A row with less error without clipping is not clipped. Without a Hessian the error of the
    weights counts.
    """
    grouped = in_groups(weight, group_size)
    if hessian is None:
        return searched_grid(grouped, bits, real=real).nearest(weight, group_size)
    blocks = diagonal_blocks(hessian, group_size)
    clipped = searched_grid(grouped, bits, blocks, real).nearest(weight, group_size)
    unclipped = rtn.quantize_groups(weight, bits, group_size, real=real)
    return better_rows(clipped, unclipped, weight, hessian)


def input_scales(
    weight: np.ndarray, bits: int, group_size: int, inputs: InputStatistics, real: bool = False
) -> np.ndarray:
    """float32 [inputs]: the s with the least output error of `weight` [outputs, inputs].

    `weight` times s is rounded to nearest for this.
    """
    best, least = np.ones(weight.shape[1], dtype=np.float32), np.inf
    for alpha in ALPHAS:
        scales = _scales(inputs.magnitude, float(alpha))
        scaled, hessian = weight * scales, inputs.divided_by(scales).hessian
        groups = rtn.quantize_groups(scaled, bits, group_size, real=real)
        error = float(output_errors(groups, scaled, hessian).sum())
        if error < least:
            best, least = scales, error
    return best


def _scales(magnitude: np.ndarray, alpha: float) -> np.ndarray:
    """mean |x|^alpha divided by the geometric mean of its extremes, so that it is around 1.

    Inputs that are always zero count as very small.
    """
    powers = np.maximum(magnitude, 1e-4 * max(float(magnitude.max()), 1e-12)) ** np.float32(alpha)
    return (powers / np.sqrt(powers.max() * powers.min())).astype(np.float32)
