"""The stage `quantize`: embedding, matrices and head of an ONNX graph in fewer bits.

The scheme of the recipe decides which file does it.
"""

from __future__ import annotations

import onnx

from paretoscope.errors import ArtifactError
from paretoscope.graphs.graph import matrices
from paretoscope.quantization.calibration.observe import activation_ranges, observe
from paretoscope.quantization.embedding import quantize_embedding
from paretoscope.quantization.fuse import fuse
from paretoscope.quantization.int8 import quantize_dynamic, quantize_static
from paretoscope.quantization.kv_cache import quantize_kv_cache
from paretoscope.quantization.smoothquant import smoothquant
from paretoscope.quantization.weight_only import quantize_tied, quantize_weights
from paretoscope.recipes.context import StageContext
from paretoscope.recipes.stages import Quantize


def apply(stage: Quantize, model: onnx.ModelProto, context: StageContext) -> onnx.ModelProto:
    """The quantized graph; `model` is fp32 with fused operators and is not changed.

    Raises `ArtifactError` when it has no matrix to quantize, as a model of convolutions.
    """
    if next(matrices(model), None) is None:
        raise ArtifactError(
            "This model's graph has no constant matrix to quantize; remove the quantize stage from"
            " the recipe."
        )
    quantized = _weights(stage, model, context)
    return (
        quantize_kv_cache(quantized, context, stage.calibration_examples)
        if stage.cache_bits == 8
        else quantized
    )


def _weights(stage: Quantize, model: onnx.ModelProto, context: StageContext) -> onnx.ModelProto:
    if stage.smooth:
        peaks = {
            name: activation.peaks
            for name, activation in observe(model, context, stage.calibration_examples).items()
        }
        model = smoothquant(model, peaks, stage.smooth)
    if stage.scheme == "weight-only":
        return quantize_weights(model, stage, context)
    if stage.scheme == "int8-static":
        ranges = activation_ranges(model, context, stage.calibration_examples, stage.calibration)
        quantized = fuse(quantize_static(model, ranges, head=stage.head_bits != 32))
    else:
        quantized = fuse(quantize_dynamic(model, head=stage.head_bits != 32))
    return quantize_embedding(quantize_tied(quantized, stage), stage.embedding_bits)
