"""The activations that enter each matrix: histograms and peaks of one pass over calibration texts.

Calibrations turn a histogram into a range (`CALIBRATIONS`); SmoothQuant uses the peaks.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx

from paretoscope.graphs.graph import graph_key, matrices, with_all_logits, with_outputs
from paretoscope.graphs.sessions import workbench
from paretoscope.inference.graph_io import feeds
from paretoscope.quantization.calibration.contract import Calibration
from paretoscope.quantization.calibration.histogram import BINS, Histogram
from paretoscope.quantization.calibration.texts import calibration_texts
from paretoscope.recipes.context import StageContext
from paretoscope.recipes.contracts import load
from paretoscope.recipes.stages.methods import CALIBRATIONS

Ranges = dict[str, tuple[float, float]]


@dataclass
class Activation:
    """Statistics of one activation [.., channels] over all texts."""

    histogram: Histogram
    peaks: np.ndarray
    """Largest absolute value of each channel, float64 [channels]."""

    def add(self, values: np.ndarray) -> None:
        """Include the values [.., channels] of one text."""
        self.histogram.add(values)
        self.peaks = np.maximum(self.peaks, np.abs(values).reshape(-1, len(self.peaks)).max(axis=0))


def activation_ranges(
    model: onnx.ModelProto, context: StageContext, examples: int, method: str = "minmax"
) -> Ranges:
    """(low, high) of every activation that enters a matrix, by the calibration `method`."""
    calibration = load(CALIBRATIONS[method], Calibration)
    seen = observe(model, context, examples)

    def compute() -> np.ndarray:
        return np.array(
            [calibration.clipped_range(activation.histogram) for activation in seen.values()]
        )

    ranges = context.cached(f"ranges-{method}-{_key(model, context, examples)}", compute)
    return {name: (float(low), float(high)) for name, (low, high) in zip(seen, ranges, strict=True)}


def observe(model: onnx.ModelProto, context: StageContext, examples: int) -> dict[str, Activation]:
    """Every activation that enters a matrix, by name, over the first `examples` calibration texts.

    Texts run one at a time, without padding. The result is cached for each graph and split.
    """
    widths = {matrix.node.input[0]: len(matrix.weight) for matrix in matrices(model)}
    widths = dict(sorted(widths.items()))
    texts = calibration_texts(model, context.encoded("calibration").ids[:examples])
    packed = context.cached(
        f"activations-{_key(model, context, examples)}",
        lambda: _pack(_observe(model, widths, texts, context)),
    )
    return _unpack(packed, widths)


def _key(model: onnx.ModelProto, context: StageContext, examples: int) -> str:
    return f"{graph_key(model)}-{context.encoded('calibration').key}-{examples}"


def _observe(
    model: onnx.ModelProto, widths: dict[str, int], texts: list[np.ndarray], context: StageContext
) -> dict[str, Activation]:
    seen = {name: Activation(Histogram.empty(), np.zeros(width)) for name, width in widths.items()}
    with workbench(model) as bench:
        session: Any = bench.session(with_outputs(with_all_logits(bench.graph), list(widths)))
        for step, ids in enumerate(texts, start=1):
            values = session.run(None, feeds(session.get_inputs(), ids[None]))
            for activation, value in zip(seen.values(), values, strict=True):
                activation.add(np.asarray(value))
            context.progress(step, len(texts))
    return seen


def _pack(seen: dict[str, Activation]) -> np.ndarray:
    """One float64 row for each activation: limit, low, high, counts and peaks.

    Rows are as long as the one with most channels; the others end in zeros.
    """
    widest = max(len(activation.peaks) for activation in seen.values())
    rows = np.zeros((len(seen), 3 + BINS + widest))
    for row, activation in zip(rows, seen.values(), strict=True):
        histogram = activation.histogram
        row[:3] = histogram.limit, histogram.low, histogram.high
        row[3 : 3 + BINS] = histogram.counts
        row[3 + BINS : 3 + BINS + len(activation.peaks)] = activation.peaks
    return rows


def _unpack(rows: np.ndarray, widths: dict[str, int]) -> dict[str, Activation]:
    return {
        name: Activation(
            Histogram(row[3 : 3 + BINS].astype(np.int64), *map(float, row[:3])),
            row[3 + BINS : 3 + BINS + width],
        )
        for (name, width), row in zip(widths.items(), rows, strict=True)
    }
