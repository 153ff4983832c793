"""A stage's rounding with its calibration data, for any matrix of a graph at any width."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
import onnx

from paretoscope.graphs.graph import Matrix, matrices
from paretoscope.quantization.packing.groups import Groups, tied_group_size
from paretoscope.quantization.rounding.contract import RescalingRounding, Rounding
from paretoscope.quantization.rounding.hessians import (
    InputStatistics,
    input_statistics,
    mean_statistics,
)
from paretoscope.recipes.context import StageContext
from paretoscope.recipes.contracts import load
from paretoscope.recipes.stages import Quantize
from paretoscope.recipes.stages.methods import ROUNDINGS


@dataclass(frozen=True)
class Quantizer:
    """`inputs` are the statistics of each matrix by the name of its weight; empty without data."""

    stage: Quantize
    inputs: Mapping[str, InputStatistics] = field(default_factory=dict[str, InputStatistics])

    @property
    def real(self) -> bool:
        """Whether zero points are real numbers."""
        return self.stage.zero_point == "real"

    @classmethod
    def of(cls, stage: Quantize, model: onnx.ModelProto, context: StageContext) -> Quantizer:
        if not ROUNDINGS[stage.rounding].needs_data:
            return cls(stage)
        by_activation = input_statistics(model, context)
        inputs: dict[str, list[InputStatistics]] = {}
        for matrix in matrices(model):
            inputs.setdefault(matrix.name, []).append(by_activation[matrix.node.input[0]])
        return cls(stage, {name: mean_statistics(each) for name, each in inputs.items()})

    def scales(self, matrix: Matrix, bits: int) -> np.ndarray | None:
        """Factors [inputs] of the matrix's rows before rounding; None for no scaling.

        The head is not scaled: it is small, and reads one token of a text.
        """
        row = ROUNDINGS[self.stage.rounding]
        if matrix.in_head or not row.rescales:
            return None
        return load(row, RescalingRounding).input_scales(
            _outputs_first(matrix), bits, self.stage.group_size, self.inputs[matrix.name], self.real
        )

    def rescaled(self, scales: Mapping[str, np.ndarray]) -> Quantizer:
        """The quantizer of the graph that `rescale.rescaled` returns for these scales."""
        divided = {name: self.inputs[name].divided_by(scale) for name, scale in scales.items()}
        return replace(self, inputs={**self.inputs, **divided})

    def groups(self, matrix: Matrix, bits: int) -> Groups:
        """The matrix [inputs, outputs] in groups along its inputs."""
        inputs = self.inputs.get(matrix.name)
        size = group_size_of(matrix, self.stage.group_size)
        return self._method.quantize_groups(
            _outputs_first(matrix),
            bits,
            size,
            None if inputs is None else inputs.hessian,
            self.real,
        )

    def dequantized(self, matrix: Matrix, bits: int) -> np.ndarray:
        """The float32 weight [inputs, outputs] that the rounded matrix equals, without scales."""
        scales = self.scales(matrix, bits)
        if scales is None:
            return np.ascontiguousarray(self.groups(matrix, bits).dequantized().T)
        scaled = replace(matrix, weight=matrix.weight * scales[:, None])
        return np.ascontiguousarray(
            (self.rescaled({matrix.name: scales}).groups(scaled, bits).dequantized() / scales).T
        )

    @property
    def _method(self) -> Rounding:
        return load(ROUNDINGS[self.stage.rounding], Rounding)


def group_size_of(matrix: Matrix, group_size: int) -> int:
    """Weights of the matrix that share a scale, for the `group_size` of a recipe."""
    return tied_group_size(len(matrix.weight), group_size) if matrix.tied else group_size


def relative_error(
    rounded: np.ndarray, weight: np.ndarray, inputs: InputStatistics | None
) -> float:
    """Squared error relative to squared size, so that matrices can be compared.

    It is the error of the outputs if statistics of the inputs are known, else of the weights.
    """
    return _squares(rounded - weight, inputs) / max(_squares(weight, inputs), 1e-12)


def _outputs_first(matrix: Matrix) -> np.ndarray:
    return np.ascontiguousarray(matrix.weight.T)


def _squares(weight: np.ndarray, inputs: InputStatistics | None) -> float:
    """Sum of squares of a weight [inputs, outputs], or of its outputs averaged over tokens."""
    if inputs is None:
        return float(np.square(weight).sum())
    return float(np.vdot(weight, inputs.hessian @ weight))
