"""Settings that both trainers share."""

from __future__ import annotations

import torch

WARM_UP = 0.06
MAX_GRADIENT_NORM = 1.0


def half_precision() -> torch.autocast:
    """bfloat16 matrix products where the CPU has them (more than twice as fast, measured), fp32
    weights and sums everywhere.
    """
    capable = torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()
    return torch.autocast("cpu", torch.bfloat16, enabled=capable)


def share_of_peak(step: int, steps: int) -> float:
    """Share of the peak learning rate at a step counted from 0: linear up over the first 6 %,
    linear down to 0.

    >>> [round(share_of_peak(step, 100), 2) for step in (0, 5, 6, 53, 99)]
    [0.17, 1.0, 1.0, 0.5, 0.01]
    """
    warm_up = max(1, round(WARM_UP * steps))
    if step < warm_up:
        return (step + 1) / warm_up
    return max(0.0, (steps - step) / max(1, steps - warm_up))
