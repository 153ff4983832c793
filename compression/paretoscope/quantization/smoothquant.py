"""SmoothQuant: scale down large channels of an activation and scale up their weights.

    x W = (x / s) (s W),    s[j] = max |x[:, j]|^alpha / max |W[j]|^(1 - alpha)

Xiao et al. 2022, arXiv:2211.10438. One scale for the whole activation then uses more of its 256
levels; the fp32 function is unchanged. As in the paper it is applied after norms: to query, key and
value, and to the first matrix of the feed-forward block. If nothing else reads the norm, its scale
and bias are divided; in a post-norm model such as BERT the residual reads it too, so the division
is another node.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

import numpy as np
import onnx
from onnx import helper, numpy_helper

from paretoscope.graphs.graph import Matrix, initializers, matrices

NORMS = ("LayerNormalization", "SkipLayerNormalization", "SimplifiedLayerNormalization")
SCALE_AND_BIAS = {
    "LayerNormalization": (1, 2),
    "SkipLayerNormalization": (2, 3),
    "SimplifiedLayerNormalization": (1,),
}
"""Indices of scale and bias among the inputs of a norm."""
LEAST = 1e-5
"""Channels and weights count as at least this large, as in the authors' code."""


def smoothquant(
    model: onnx.ModelProto, peaks: Mapping[str, np.ndarray], alpha: float
) -> onnx.ModelProto:
    """A copy with smoother activations and the same results; alpha 0 changes nothing.

    `peaks` is the largest absolute value of each channel of every activation that enters a matrix,
    by its name in the graph.
    """
    if alpha == 0:
        return model
    result = onnx.ModelProto()
    result.CopyFrom(model)
    producers = {name: node for node in result.graph.node for name in node.output}
    readers = Counter(name for node in result.graph.node for name in node.input)
    readers.update(output.name for output in result.graph.output)
    for value, group in _after_norms(result, producers).items():
        divisor = factors(peaks[value], [matrix.weight for matrix in group], alpha)
        for matrix in group:
            _set(result, matrix.name, matrix.weight * divisor[:, None])
        norm = producers[value]
        parts = [
            norm.input[place] for place in SCALE_AND_BIAS[norm.op_type] if place < len(norm.input)
        ]
        if readers[value] == len(group) and all(readers[part] == 1 for part in parts):
            for part in parts:
                _set(result, part, numpy_helper.to_array(initializers(result)[part]) / divisor)
        else:
            _divide(result, value, [matrix.node for matrix in group], divisor)
    return result


def factors(peaks: np.ndarray, weights: list[np.ndarray], alpha: float) -> np.ndarray:
    """s, float32 [channels], for the matrices [channels, outputs] that read an activation.

    It is 1 for a channel that is always zero, or whose weights are.

    >>> weight = np.array([[1.0, -0.5], [4.0, 0.0], [1.0, 1.0]])
    >>> factors(np.array([16.0, 1.0, 0.0]), [weight], 0.5).tolist()
    [4.0, 0.5, 1.0]
    """
    largest = np.max([np.abs(weight).max(axis=1) for weight in weights], axis=0)
    divisor = np.maximum(peaks, LEAST) ** alpha / np.maximum(largest, LEAST) ** (1 - alpha)
    return np.where((peaks > 0) & (largest > 0), divisor, 1.0).astype(np.float32)


def _after_norms(
    model: onnx.ModelProto, producers: Mapping[str, onnx.NodeProto]
) -> dict[str, list[Matrix]]:
    """The matrices of the layers that read a norm, by the name of its result.

    A weight that several nodes share has one scale for all of them, so it is not in a group.
    """
    groups: dict[str, list[Matrix]] = {}
    nodes = Counter(matrix.name for matrix in matrices(model))
    for matrix in matrices(model):
        value = matrix.node.input[0]
        after_norm = value in producers and producers[value].op_type in NORMS
        if not matrix.in_head and after_norm and nodes[matrix.name] == 1:
            groups.setdefault(value, []).append(matrix)
    return groups


def _set(model: onnx.ModelProto, name: str, value: np.ndarray) -> None:
    initializers(model)[name].CopyFrom(
        numpy_helper.from_array(np.asarray(value, dtype=np.float32, order="C"), name)
    )


def _divide(
    model: onnx.ModelProto, value: str, readers: list[onnx.NodeProto], divisor: np.ndarray
) -> None:
    """Make the nodes `readers` read `value` / `divisor`."""
    smoothed, inverse = f"{value}.smooth", f"{value}.smoothing"
    model.graph.initializer.append(numpy_helper.from_array(1 / divisor, inverse))
    node = helper.make_node("Mul", [value, inverse], [smoothed], name=smoothed)
    first = min(index for index, other in enumerate(model.graph.node) if other in readers)
    model.graph.node.insert(first, node)
    for reader in readers:
        reader.input[0] = smoothed
