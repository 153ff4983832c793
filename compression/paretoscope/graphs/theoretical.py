"""Bytes of a model if pruned weights were not stored: a bound that no dense file reaches."""

from __future__ import annotations

import onnx
from onnx import TensorProto

from paretoscope.graphs.graph import initializers, matrices, payload_bytes


def theoretical_bytes(whole: onnx.ModelProto, final: onnx.ModelProto) -> int:
    """Payload of `final` minus the bits of its pruned weights.

    `whole` is the fp32 graph before quantization; its zeros are the pruned weights.
    """
    bits = _bits_by_matrix(final)
    weights = {matrix.name: matrix.weight for matrix in matrices(whole)}  # nodes may share one
    unused = sum(int((weight == 0).sum()) * bits.get(name, 32) for name, weight in weights.items())
    return payload_bytes(final) - unused // 8


def _bits_by_matrix(model: onnx.ModelProto) -> dict[str, int]:
    """Bits of a weight, by the name of its matrix in fp32."""
    found = {
        name.removesuffix(".int8"): 8
        for name, tensor in initializers(model).items()
        if tensor.data_type == TensorProto.INT8
    }
    for node in model.graph.node:
        if node.op_type == "MatMulNBits":
            found[node.input[1].removesuffix(".codes")] = next(
                attribute.i for attribute in node.attribute if attribute.name == "bits"
            )
    return found
