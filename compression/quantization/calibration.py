"""The range that each activation takes on examples: one pass over the calibration split, shared by all that ask."""

from __future__ import annotations

import hashlib

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper

from compression.models.context import StageContext
from compression.models.graph import matrices

Ranges = dict[str, tuple[float, float]]


def activation_ranges(model: onnx.ModelProto, context: StageContext, examples: int) -> Ranges:
    """(low, high) over the first `examples` of the calibration split, for every activation that meets a matrix.

    Min-max calibration, a text at a time, so no padding is seen. Computed once per graph and split.
    """
    names = sorted({matrix.node.input[0] for matrix in matrices(model)})
    split = context.encoded("calibration")
    content = hashlib.sha256(model.SerializeToString()).hexdigest()
    found = context.cached(f"ranges-{content[:16]}-{split.key}-{examples}", lambda: _observe(model, names, split.ids[:examples], context))
    return {name: (float(low), float(high)) for name, (low, high) in zip(names, found, strict=True)}


def _observe(model: onnx.ModelProto, names: list[str], texts: list[np.ndarray], context: StageContext) -> np.ndarray:
    """[names, 2]: least and greatest value of each activation."""
    session = onnxruntime.InferenceSession(_with_extremes(model, names).SerializeToString(), providers=["CPUExecutionProvider"])
    found = np.stack([np.full(len(names), np.inf), np.full(len(names), -np.inf)], axis=1)
    for step, ids in enumerate(texts, start=1):
        extremes = np.array(session.run(None, {"input_ids": ids[None], "attention_mask": np.ones_like(ids[None])})).reshape(-1, 2)
        found[:, 0] = np.minimum(found[:, 0], extremes[:, 0])
        found[:, 1] = np.maximum(found[:, 1], extremes[:, 1])
        context.progress(step, len(texts))
    return found


def _with_extremes(model: onnx.ModelProto, names: list[str]) -> onnx.ModelProto:
    """A copy whose outputs are the minimum and maximum of each named value, in that order."""
    observed = onnx.ModelProto()
    observed.CopyFrom(model)
    del observed.graph.output[:]
    for name in names:
        for op in ("ReduceMin", "ReduceMax"):
            result = f"{name}.{op}"
            observed.graph.node.append(helper.make_node(op, [name], [result], keepdims=0))
            observed.graph.output.append(helper.make_tensor_value_info(result, TensorProto.FLOAT, []))
    return observed
