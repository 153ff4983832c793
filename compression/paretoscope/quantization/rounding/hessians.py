"""Second moments of the inputs of each matrix: the Hessian for all roundings that use data.

For y = W x and a rounding error D, the mean squared error of y is trace(D H D^T) with H = mean of
x x^T, so H is all that a rounding needs (Frantar and Alistarh 2022, arXiv:2208.11580). One pass
through ONNX Runtime serves every bit width, group size and rounding of a sweep.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx

from paretoscope.graphs.graph import graph_key, matrices, with_all_logits, with_outputs
from paretoscope.graphs.sessions import workbench
from paretoscope.inference.graph_io import feeds
from paretoscope.quantization.calibration.texts import calibration_texts
from paretoscope.recipes.context import StageContext

TOKENS_AT_ONCE = 4096
"""Rows of activations that are collected before their product is added."""
FLOATS_AT_ONCE = 128_000_000
"""Numbers of Hessians in one pass and one cache entry: half a gigabyte, enough for SmolLM2."""
HELD_FLOATS = 80_000_000
"""Numbers of activations that are collected; deep models reach it before `TOKENS_AT_ONCE`."""


@dataclass(frozen=True)
class InputStatistics:
    """Statistics of the inputs [tokens, inputs] of a matrix over the calibration split."""

    hessian: np.ndarray
    """float32 [inputs, inputs]: mean of x x^T."""
    magnitude: np.ndarray
    """float32 [inputs]: mean of |x|."""

    def divided_by(self, scales: np.ndarray) -> InputStatistics:
        """The statistics of x / s, with s [inputs]."""
        return InputStatistics(self.hessian / np.outer(scales, scales), self.magnitude / scales)


def mean_statistics(each: Sequence[InputStatistics]) -> InputStatistics:
    """The statistics of all inputs of a weight that several nodes share."""
    if len(each) == 1:
        return each[0]
    return InputStatistics(
        np.mean([one.hessian for one in each], axis=0),
        np.mean([one.magnitude for one in each], axis=0),
    )


def input_statistics(model: onnx.ModelProto, context: StageContext) -> dict[str, InputStatistics]:
    """Statistics of every activation that enters a constant matrix, by its name in the graph.

    Texts of the calibration split run one at a time, without padding. The result is cached under
    the content of graph and split.
    """
    sizes = {matrix.node.input[0]: matrix.weight.shape[0] for matrix in matrices(model)}
    split = context.encoded("calibration")
    texts = calibration_texts(model, split.ids)
    content = graph_key(model)
    found: dict[str, InputStatistics] = {}
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
    """Names in graph order, split so that a portion has at most `FLOATS_AT_ONCE` numbers."""
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
    """float32 [sum of inputs * (inputs + 1)]: Hessians, each with the magnitudes as last row."""
    with workbench(model) as bench:
        session = bench.session(with_outputs(with_all_logits(bench.graph), sizes))
        return _summed(session, sizes, texts, context)


def _summed(
    session: Any,
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


def _unpacked(flat: np.ndarray, sizes: Mapping[str, int]) -> dict[str, InputStatistics]:
    return {
        name: InputStatistics(hessian=block[:-1], magnitude=block[-1])
        for name, block in zip(sizes, _blocks(flat, sizes), strict=True)
    }


def _blocks(flat: np.ndarray, sizes: Mapping[str, int]) -> Iterator[np.ndarray]:
    """Consecutive views [inputs + 1, inputs] of `flat`."""
    start = 0
    for size in sizes.values():
        yield flat[start : start + size * (size + 1)].reshape(size + 1, size)
        start += size * (size + 1)
