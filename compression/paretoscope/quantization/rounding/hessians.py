"""What enters each matrix on examples: its second moments, the layer's Hessian of every rounding
that looks at data.

For y = W x and a rounding error D, the mean squared error of y is trace(D H D^T) with H = mean of x
x^T, so H is all that a rounding needs to know of the data (Frantar and Alistarh 2022,
arXiv:2208.11580). One pass through ONNX Runtime serves every bit width, group size and rounding of
a sweep. What is done with H is the roundings' own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import onnx
import onnxruntime

from paretoscope.graphs.graph import graph_key, matrices, with_all_logits, with_outputs
from paretoscope.graphs.sessions import workbench
from paretoscope.inference.graph_io import feeds
from paretoscope.quantization.calibration.texts import passages
from paretoscope.recipes.context import StageContext

TOKENS_AT_ONCE = 4096
"""Rows of activations that are held before they are multiplied out."""
FLOATS_AT_ONCE = 128_000_000
"""Numbers of Hessians in one pass and in one cache entry: half a gigabyte, in which those of
SmolLM2 have room.
"""
HELD_FLOATS = 80_000_000
"""Numbers of activations that are held, which deep models reach before `TOKENS_AT_ONCE`."""


@dataclass(frozen=True)
class Inputs:
    """The activations [tokens, inputs] that enter a matrix, summed up over the calibration split."""

    hessian: np.ndarray
    """float32 [inputs, inputs]: mean of x x^T."""
    magnitude: np.ndarray
    """float32 [inputs]: mean of |x|."""

    def divided_by(self, scales: np.ndarray) -> Inputs:
        """Those of x / s, with s [inputs]."""
        return Inputs(self.hessian / np.outer(scales, scales), self.magnitude / scales)


def calibration_inputs(model: onnx.ModelProto, context: StageContext) -> dict[str, Inputs]:
    """`Inputs` of every activation that enters a constant matrix, by its name in the graph.

    All of the calibration split, a text at a time, so no padding is seen. Kept under the graph's
    content and the split.
    """
    sizes = {matrix.node.input[0]: matrix.weight.shape[0] for matrix in matrices(model)}
    split = context.encoded("calibration")
    texts = passages(model, split.ids)
    content = graph_key(model)
    found: dict[str, Inputs] = {}
    for number, portion in enumerate(_portions(sizes)):
        key = f"hessians-{content}-{split.key}-{number}"
        flat = context.cached(
            key,
            lambda names=portion: _observe(
                model, {name: sizes[name] for name in names}, texts, context
            ),
        )
        found |= _unpacked(flat, {name: sizes[name] for name in portion})
    return found


def _portions(sizes: Mapping[str, int]) -> list[list[str]]:
    """Names in graph order, cut where the Hessians of a portion would grow beyond `FLOATS_AT_ONCE`."""
    portions: list[list[str]] = []
    room = 0
    for name, size in sizes.items():
        if not portions or room < size * (size + 1):
            portions.append([])
            room = FLOATS_AT_ONCE
        portions[-1].append(name)
        room -= size * (size + 1)
    return portions


def _observe(
    model: onnx.ModelProto,
    sizes: Mapping[str, int],
    texts: Sequence[np.ndarray],
    context: StageContext,
) -> np.ndarray:
    """float32 [sum of inputs * (inputs + 1)]: each Hessian in turn, with the mean magnitudes as its
    last row.
    """
    with workbench(model) as bench:
        session = bench.session(with_outputs(with_all_logits(bench.graph), sizes))
        return _summed(session, sizes, texts, context)


def _summed(
    session: onnxruntime.InferenceSession,
    sizes: Mapping[str, int],
    texts: Sequence[np.ndarray],
    context: StageContext,
) -> np.ndarray:
    flat = np.zeros(sum(size * (size + 1) for size in sizes.values()), dtype=np.float32)
    sums = list(_blocks(flat, sizes))
    held: list[list[np.ndarray]] = [[] for _ in sizes]
    counts = np.zeros(len(sizes), dtype=np.int64)
    tokens_at_once = min(TOKENS_AT_ONCE, HELD_FLOATS // sum(sizes.values()))
    for step, ids in enumerate(texts, start=1):
        values = session.run(list(sizes), feeds(session.get_inputs(), ids[None]))
        for rows, value, size in zip(held, values, sizes.values(), strict=True):
            rows.append(np.asarray(value).reshape(-1, size))
        if step == len(texts) or max(sum(map(len, rows)) for rows in held) >= tokens_at_once:
            for place, (total, rows) in enumerate(zip(sums, held, strict=True)):
                x = np.concatenate(rows)
                total[:-1] += x.T @ x
                total[-1] += np.abs(x).sum(axis=0)
                counts[place] += len(x)
                rows.clear()
        context.progress(step, len(texts))
    for total, count in zip(sums, counts, strict=True):
        total /= np.float32(count)
    return flat


def _unpacked(flat: np.ndarray, sizes: Mapping[str, int]) -> dict[str, Inputs]:
    return {
        name: Inputs(hessian=block[:-1], magnitude=block[-1])
        for name, block in zip(sizes, _blocks(flat, sizes), strict=True)
    }


def _blocks(flat: np.ndarray, sizes: Mapping[str, int]) -> Iterator[np.ndarray]:
    """Views [inputs + 1, inputs] of `flat`, one after another."""
    start = 0
    for size in sizes.values():
        yield flat[start : start + size * (size + 1)].reshape(size + 1, size)
        start += size * (size + 1)
