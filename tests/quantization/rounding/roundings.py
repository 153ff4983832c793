"""A small layer with correlated inputs, for the tests of every rounding."""

from __future__ import annotations

import numpy as np

from paretoscope.quantization.packing.groups import Groups
from paretoscope.quantization.rounding.contract import RescalingRounding, Rounding
from paretoscope.quantization.rounding.hessians import InputStatistics
from paretoscope.recipes.contracts import load
from paretoscope.recipes.stages.methods import ROUNDINGS


def layer(
    outputs: int = 12, inputs: int = 48, tokens: int = 200, seed: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    """(weight [outputs, inputs], activations [tokens, inputs]); a few inputs are much larger, as in
    transformers.
    """
    generator = np.random.default_rng(seed)
    mixed = generator.normal(size=(inputs, inputs)) / 4 + np.eye(inputs)
    x = (
        generator.normal(size=(tokens, inputs))
        @ mixed
        * np.where(np.arange(inputs) % 11 == 0, 8, 1)
    )
    return generator.normal(size=(outputs, inputs)).astype(np.float32), x.astype(np.float32)


def inputs_of(x: np.ndarray) -> InputStatistics:
    return InputStatistics(
        hessian=(x.T @ x / len(x)).astype(np.float32), magnitude=np.abs(x).mean(axis=0)
    )


def effective(
    name: str, weight: np.ndarray, bits: int, group_size: int, inputs: InputStatistics
) -> tuple[np.ndarray, Groups]:
    """What the rounding of that name makes of a weight: the matrix that it amounts to, and its
    groups.
    """
    row = ROUNDINGS[name]
    scales = np.ones(weight.shape[1], dtype=np.float32)
    if row.rescales:
        method = load(row, RescalingRounding)
        scales = method.input_scales(weight, bits, group_size, inputs, False)
    groups = load(row, Rounding).quantize_groups(
        weight * scales, bits, group_size, inputs.divided_by(scales).hessian, False
    )
    return groups.dequantized() / scales, groups


def output_error(rounded: np.ndarray, weight: np.ndarray, x: np.ndarray) -> float:
    """Mean squared error of the layer's outputs, from the activations themselves."""
    return float(np.square(x.astype(np.float64) @ (rounded - weight).T).sum() / len(x))
