"""The key-value cache of a decoder in int8, with a scale for each channel of each key head.

GroupQueryAttention (PER_CHANNEL) rounds keys after their rotation. The cache takes a quarter of the
memory, and every token reads a quarter of it. Scales are the largest value of a channel on the
calibration split over 127, as some channels of keys are large throughout (KIVI, Liu et al. 2024,
arXiv:2402.02750). Weights are not changed. onnxruntime-genai 0.18 allocates the cache by the type
of the graph's inputs, so it runs these graphs too.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper

from paretoscope.graphs.graph import entries, graph_key, replace, with_outputs
from paretoscope.graphs.sessions import workbench
from paretoscope.inference.graph_io import PAST, PRESENT, feeds, is_past, present_of
from paretoscope.quantization.calibration.texts import calibration_texts
from paretoscope.recipes.context import StageContext

K_SCALE = 12
"""Index of the keys' scales among the inputs of GroupQueryAttention; the values' follow."""
LEVELS = 127


def quantize_kv_cache(
    model: onnx.ModelProto, context: StageContext, examples: int
) -> onnx.ModelProto:
    """A copy of a decoder's graph whose key-value cache is int8.

    Scales are from the first `examples` texts of the calibration split.
    """
    replaced: dict[str, list[onnx.NodeProto]] = {}
    added: dict[str, np.ndarray] = {}
    peaks = _peaks(model, context, examples)
    for node in model.graph.node:
        if node.op_type == "GroupQueryAttention":
            replaced[node.name] = [_with_scales(node, peaks, added)]
    result = replace(model, replaced, added)
    for value in (*result.graph.input, *result.graph.output):
        if value.name.startswith((PAST, PRESENT)):
            value.type.tensor_type.elem_type = TensorProto.INT8
    return result


def _with_scales(
    node: onnx.NodeProto, peaks: dict[str, np.ndarray], added: dict[str, np.ndarray]
) -> onnx.NodeProto:
    scales: list[str] = []
    for present in node.output[1:3]:
        name = f"{present}.scale"
        heads, size = peaks[present].shape
        added[name] = (
            (np.maximum(peaks[present], 1e-6) / LEVELS)
            .astype(np.float32)
            .reshape(1, heads, 1, size)
        )
        scales.append(name)
    result = onnx.NodeProto()
    result.CopyFrom(node)
    result.input.extend([""] * (K_SCALE - len(result.input)))
    result.input.extend(scales)
    for name, value in (
        ("kv_cache_bit_width", 8),
        ("k_quant_type", "PER_CHANNEL"),
        ("v_quant_type", "PER_CHANNEL"),
    ):
        result.attribute.append(helper.make_attribute(name, value))
    return result


def _peaks(model: onnx.ModelProto, context: StageContext, examples: int) -> dict[str, np.ndarray]:
    """The largest absolute value of each channel [key heads, head size], by the cache's output."""
    split = context.encoded("calibration")
    shapes = {
        present_of(entry.name): (int(entry.shape[1]), int(entry.shape[3]))
        for entry in entries(model)
        if is_past(entry)
    }

    def observe() -> np.ndarray:
        """float32, all caches one after another, as layers may differ in their heads."""
        largest = np.zeros(sum(heads * size for heads, size in shapes.values()), dtype=np.float32)
        texts = calibration_texts(model, split.ids[:examples])
        with workbench(model) as bench:
            session: Any = bench.session(with_outputs(bench.graph, list(shapes)))
            for step, ids in enumerate(texts, start=1):
                values = session.run(list(shapes), feeds(session.get_inputs(), ids[None]))
                seen = np.concatenate(
                    [np.abs(np.asarray(value)).max(axis=(0, 2)).ravel() for value in values]
                )
                largest = np.maximum(largest, seen)
                context.progress(step, len(texts))
        return largest

    flat = context.cached(f"cache-{graph_key(model)}-{split.key}-{examples}", observe)
    ends = np.cumsum([heads * size for heads, size in shapes.values()])
    return {
        name: part.reshape(shape)
        for (name, shape), part in zip(shapes.items(), np.split(flat, ends[:-1]), strict=True)
    }
