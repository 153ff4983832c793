"""A stage's rounding with the data that it asks for, for any matrix of a graph at any width."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
import onnx

from paretoscope.graphs.graph import Matrix, matrices
from paretoscope.quantization.packing.groups import Groups, tied_group_size
from paretoscope.quantization.rounding.contract import RescalingRounding, Rounding
from paretoscope.quantization.rounding.hessians import Inputs, calibration_inputs
from paretoscope.recipes.context import StageContext
from paretoscope.recipes.contracts import load
from paretoscope.recipes.stages import Quantize
from paretoscope.recipes.stages.methods import ROUNDINGS


@dataclass(frozen=True)
class Quantizer:
    """`inputs` are what enters each matrix, by the name of its weight; none when the rounding looks
    at no data.
    """

    stage: Quantize
    inputs: Mapping[str, Inputs] = field(default_factory=dict)

    @property
    def real(self) -> bool:
        """Whether zero points are real numbers."""
        return self.stage.zero_point == "real"

    @classmethod
    def of(cls, stage: Quantize, model: onnx.ModelProto, context: StageContext) -> Quantizer:
        if not ROUNDINGS[stage.rounding].needs_data:
            return cls(stage)
        by_activation = calibration_inputs(model, context)
        return cls(
            stage, {matrix.name: by_activation[matrix.node.input[0]] for matrix in matrices(model)}
        )

    def scales(self, matrix: Matrix, bits: int) -> np.ndarray | None:
        """What the matrix's rows are to be multiplied with before they are rounded, [inputs]; None
        for nothing.

        The head is left as it is: it is small, and sees one token of a text.
        """
        row = ROUNDINGS[self.stage.rounding]
        if matrix.in_head or not row.rescales:
            return None
        return load(row, RescalingRounding).input_scales(
            _outputs_first(matrix), bits, self.stage.group_size, self.inputs[matrix.name], self.real
        )

    def rescaled(self, scales: Mapping[str, np.ndarray]) -> Quantizer:
        """The same for the graph that `rescale.rescaled` makes with these scales."""
        return replace(
            self,
            inputs={
                **self.inputs,
                **{name: self.inputs[name].divided_by(scale) for name, scale in scales.items()},
            },
        )

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

    def stands_for(self, matrix: Matrix, bits: int) -> np.ndarray:
        """The float32 weight [inputs, outputs] that the rounded matrix amounts to in the graph as
        it is.
        """
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
    """Weights of the matrix that share a scale when `group_size` was asked for."""
    return tied_group_size(len(matrix.weight), group_size) if matrix.tied else group_size


def relative_error(rounded: np.ndarray, weight: np.ndarray, inputs: Inputs | None) -> float:
    """Squared error over squared size, so that every matrix counts alike.

    It is the error of what the matrix makes of its inputs where those are known, else of the
    weights themselves.
    """
    return _squares(rounded - weight, inputs) / max(_squares(weight, inputs), 1e-12)


def _outputs_first(matrix: Matrix) -> np.ndarray:
    return np.ascontiguousarray(matrix.weight.T)


def _squares(weight: np.ndarray, inputs: Inputs | None) -> float:
    """Sum of squares of a weight [inputs, outputs], or the mean one of what it makes of the
    activations.
    """
    return float(
        np.square(weight).sum() if inputs is None else np.vdot(weight, inputs.hessian @ weight)
    )
