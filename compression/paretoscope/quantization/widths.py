"""The width of every matrix: one for all, an average, or whatever fits in a file of so many
megabytes.

An average and a budget are met by the knapsack of `allocation.py`. What a width costs is the
relative error of the matrix alone, or the measured movement of the model's answers
(`sensitivity.py`).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
import onnx

from paretoscope.errors import ArtifactError
from paretoscope.graphs.graph import embedding, graph_key, matrices
from paretoscope.quantization.allocation import allocate, cheapest
from paretoscope.quantization.calibration.texts import passages
from paretoscope.quantization.packing.groups import GROUP_SIZE, row_bytes
from paretoscope.quantization.rounding.quantizer import Quantizer, group_size_of, relative_error
from paretoscope.quantization.rounding.rtn import quantize_groups
from paretoscope.quantization.sensitivity import sensitivities
from paretoscope.recipes.context import StageContext
from paretoscope.recipes.stages import BITS
from paretoscope.recipes.stages.methods import ROUNDINGS

Costs = list[dict[int, float]]
SENSITIVITY_TOKENS = 512
"""Of a decoder, on which every width of every matrix is tried."""
HEADER_BYTES = 32
"""By how much the description of a matrix in the file may grow with its width, lengths and names
that is.
"""


def widths(
    model: onnx.ModelProto,
    quantizer: Quantizer,
    context: StageContext,
    smallest_bytes: Callable[[], int],
) -> dict[str, int]:
    """Bits of each matrix and of the word embedding by the name of its initializer; 32 leaves it in
    floats.

    `smallest_bytes` counts the file of the graph with all of them at 2 bits; it is asked only for a
    budget of megabytes.
    """
    stage = quantizer.stage
    if stage.max_mb is not None:
        return _within(stage.max_mb, smallest_bytes(), model, quantizer, context)
    chosen = (
        {}
        if (words := embedding(model)) is None
        else {words[0].input[0]: int(stage.embedding_bits)}
    )
    for matrix in matrices(model):
        if matrix.in_head:  # a tied one has one table, which takes the finer of its two widths
            chosen[matrix.name] = max(int(stage.head_bits), chosen.get(matrix.name, 0))
    return chosen | encoder_widths(model, quantizer, context)


def encoder_widths(
    model: onnx.ModelProto, quantizer: Quantizer, context: StageContext
) -> dict[str, int]:
    """Bits of each encoder matrix; an average between widths goes where it costs least."""
    stage = quantizer.stage
    encoder = [matrix for matrix in matrices(model) if not matrix.in_head]
    if stage.one_width is not None:
        return {matrix.name: stage.one_width for matrix in encoder}
    names = [matrix.name for matrix in encoder]
    chosen = allocate(
        [matrix.weight.size for matrix in encoder],
        costs(model, names, quantizer, context),
        stage.bits,
    )
    return dict(zip(names, chosen, strict=True))


def costs(
    model: onnx.ModelProto, names: Sequence[str], quantizer: Quantizer, context: StageContext
) -> Costs:
    """What each width of each named initializer costs, in relative error or in nats. Whatever looks
    at data is kept.
    """
    stage = quantizer.stage
    places = {matrix.name: matrix for matrix in matrices(model)}
    words = embedding(model)

    def pairs(name: str) -> list[tuple[np.ndarray, np.ndarray]]:
        """What stands for a weight at each width, and the weight, inputs first where it is a
        matrix.
        """
        if name in places:
            return [
                (quantizer.stands_for(places[name], bits), places[name].weight) for bits in BITS
            ]
        assert words is not None, f"{name} is neither a matrix nor the embedding"
        return [
            (quantize_groups(words[1], bits, GROUP_SIZE[bits]).dequantized(), words[1])
            for bits in BITS
        ]

    def variants(name: str) -> list[np.ndarray]:
        return [
            places[name].as_stored(rounded) if name in places else rounded
            for rounded, _ in pairs(name)
        ]

    def measure() -> np.ndarray:
        if stage.allocation == "sensitivity":
            texts = passages(
                model,
                context.encoded("calibration").ids[: stage.calibration_examples],
                SENSITIVITY_TOKENS,
            )
            return sensitivities(model, names, variants, texts, context.progress)
        found: list[list[float]] = []
        for name in names:
            inputs = quantizer.inputs.get(name)
            found.append([relative_error(variant, whole, inputs) for variant, whole in pairs(name)])
        return np.array(found)

    if not (ROUNDINGS[stage.rounding].needs_data or stage.allocation == "sensitivity"):
        return _by_width(measure())
    grid = f"{stage.rounding}-{stage.group_size}-{stage.zero_point}"
    asked = (
        f"v{stage.code_version}-{grid}-{stage.allocation}-{stage.calibration_examples}-{len(names)}"
    )
    return _by_width(
        context.cached(
            f"costs-{graph_key(model)}-{context.encoded('calibration').key}-{asked}", measure
        )
    )


def _by_width(table: np.ndarray) -> Costs:
    return [dict(zip(BITS, map(float, row), strict=True)) for row in table]


def _within(
    max_mb: float,
    smallest: int,
    model: onnx.ModelProto,
    quantizer: Quantizer,
    context: StageContext,
) -> dict[str, int]:
    """The widths of everything that has bits, embedding and head too, of the least cost in a folder
    of `max_mb`.
    """
    bytes_at: dict[str, dict[int, int]] = {}
    if (words := embedding(model)) is not None:
        bytes_at[words[0].input[0]] = {
            bits: row_bytes(words[1].shape[1], bits, GROUP_SIZE[bits]) * len(words[1])
            for bits in BITS
        }
    for matrix in matrices(model):
        inputs, outputs = matrix.weight.shape
        group_size = group_size_of(matrix, quantizer.stage.group_size)
        filled = math.ceil(inputs / group_size) * group_size
        bytes_at[matrix.name] = {
            bits: row_bytes(filled, bits, group_size, quantizer.real) * outputs for bits in BITS
        }
    least = smallest + context.beside_bytes
    room = int(max_mb * 1e6) - least - HEADER_BYTES * len(bytes_at)
    if room < 0:
        raise ArtifactError(
            f"max_mb is {max_mb:g}, but with every weight in 2 bits the artefact has"
            f" {least / 1e6:.2f} MB already; raise max_mb to {math.ceil(least / 1e5 + 0.1) / 10:g},"
            " or remove layers, heads or neurons first."
        )
    names = list(bytes_at)
    budget = room + sum(sizes[BITS[0]] for sizes in bytes_at.values())
    return dict(
        zip(
            names,
            cheapest(list(bytes_at.values()), costs(model, names, quantizer, context), budget),
            strict=True,
        )
    )
