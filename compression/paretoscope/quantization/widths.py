"""The width of every matrix: one for all, an average, or the best within a number of megabytes.

`allocation.py` solves the knapsack for an average or a budget. The cost of a width is the relative
error of the matrix, or the measured change of the model's outputs (`sensitivity.py`).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence

import numpy as np
import onnx

from paretoscope.errors import ArtifactError
from paretoscope.graphs.graph import Matrix, embedding, graph_key, matrices
from paretoscope.quantization.allocation import allocate, cheapest
from paretoscope.quantization.calibration.texts import calibration_texts
from paretoscope.quantization.packing.groups import GROUP_SIZE, row_bytes
from paretoscope.quantization.rounding.quantizer import Quantizer, group_size_of, relative_error
from paretoscope.quantization.rounding.rtn import quantize_groups
from paretoscope.quantization.sensitivity import sensitivities
from paretoscope.recipes.context import StageContext
from paretoscope.recipes.stages import BITS, Quantize
from paretoscope.recipes.stages.methods import ROUNDINGS
from paretoscope.recipes.stages.parts import unmatched

Costs = list[dict[int, float]]
SENSITIVITY_TOKENS = 512
"""Tokens of a decoder's texts on which every width of every matrix is tried."""
HEADER_BYTES = 32
"""Bytes by which the header of a matrix (lengths and names) may grow with its width."""


def widths(
    model: onnx.ModelProto,
    quantizer: Quantizer,
    context: StageContext,
    smallest_bytes: Callable[[], int],
) -> dict[str, int]:
    """Bits of each matrix and of the word embedding by the name of its initializer; 32 is float.

    `smallest_bytes` is the size of the file with all of them in 2 bits; it is called only for a
    budget of megabytes.
    """
    stage = quantizer.stage
    if stage.max_mb is not None:
        return _within(stage.max_mb, smallest_bytes(), model, quantizer, context)
    words = embedding(model)
    chosen = {} if words is None else {words[0].input[0]: int(stage.embedding_bits)}
    for matrix in matrices(model):
        if matrix.in_head:  # a tied head has the larger of its two widths
            chosen[matrix.name] = max(int(stage.head_bits), chosen.get(matrix.name, 0))
    return chosen | encoder_widths(model, quantizer, context)


def encoder_widths(
    model: onnx.ModelProto, quantizer: Quantizer, context: StageContext
) -> dict[str, int]:
    """Bits of each matrix of the layers; an average is allocated at the least cost."""
    stage = quantizer.stage
    encoder = {matrix.name: matrix for matrix in matrices(model) if not matrix.in_head}
    if stage.one_width is not None:
        _check_parts(stage, encoder)
        return {name: stage.bits_of(name) or stage.one_width for name in encoder}
    names = list(encoder)
    chosen = allocate(
        [matrix.weight.size for matrix in encoder.values()],
        costs(model, names, quantizer, context),
        stage.bits,
    )
    return dict(zip(names, chosen, strict=True))


def _check_parts(stage: Quantize, names: Iterable[str]) -> None:
    if missing := unmatched(stage.parts, names):
        raise ArtifactError(
            f'The graph of this model has no part "{missing[0]}"; give parts of layers that it has,'
            " counted from 0. A traced graph has no named parts."
        )


def costs(
    model: onnx.ModelProto, names: Sequence[str], quantizer: Quantizer, context: StageContext
) -> Costs:
    """The cost of each width of each named initializer: relative error, or nats.

    Costs that depend on data are cached.
    """
    stage = quantizer.stage

    def measure() -> np.ndarray:
        if stage.allocation == "sensitivity":
            return _sensitivities(model, names, quantizer, context)
        return _relative_errors(model, names, quantizer)

    if not (ROUNDINGS[stage.rounding].needs_data or stage.allocation == "sensitivity"):
        return _by_width(measure())
    grid = f"{stage.rounding}-{stage.group_size}-{stage.zero_point}"
    requested = (
        f"v{stage.code_version}-{grid}-{stage.allocation}-{stage.calibration_examples}-{len(names)}"
    )
    key = f"costs-{graph_key(model)}-{context.encoded('calibration').key}-{requested}"
    return _by_width(context.cached(key, measure))


def _sensitivities(
    model: onnx.ModelProto, names: Sequence[str], quantizer: Quantizer, context: StageContext
) -> np.ndarray:
    """KL [names, widths] in nats of the outputs when only one initializer is rounded."""
    by_name = {matrix.name: matrix for matrix in matrices(model)}
    examples = quantizer.stage.calibration_examples
    texts = context.encoded("calibration").ids[:examples]

    def variants(name: str) -> list[np.ndarray]:
        rounded = [variant for variant, _ in _variants(model, by_name, name, quantizer)]
        return [by_name[name].as_stored(each) for each in rounded] if name in by_name else rounded

    texts = calibration_texts(model, texts, SENSITIVITY_TOKENS)
    return sensitivities(model, names, variants, texts, context.progress)


def _relative_errors(
    model: onnx.ModelProto, names: Sequence[str], quantizer: Quantizer
) -> np.ndarray:
    """Relative error [names, widths] of each rounded initializer."""
    by_name = {matrix.name: matrix for matrix in matrices(model)}
    found: list[list[float]] = []
    for name in names:
        inputs = quantizer.inputs.get(name)
        pairs = _variants(model, by_name, name, quantizer)
        found.append([relative_error(variant, whole, inputs) for variant, whole in pairs])
    return np.array(found)


def _variants(
    model: onnx.ModelProto, by_name: Mapping[str, Matrix], name: str, quantizer: Quantizer
) -> list[tuple[np.ndarray, np.ndarray]]:
    """(rounded weight, weight) at each width, inputs first for a matrix."""
    if name in by_name:
        matrix = by_name[name]
        return [(quantizer.dequantized(matrix, bits), matrix.weight) for bits in BITS]
    words = embedding(model)
    assert words is not None, f"{name} is neither a matrix nor the embedding"
    table = words[1]
    groups = [quantize_groups(table, bits, GROUP_SIZE[bits]) for bits in BITS]
    return [(each.dequantized(), table) for each in groups]


def _by_width(table: np.ndarray) -> Costs:
    return [dict(zip(BITS, map(float, row), strict=True)) for row in table]


def _within(
    max_mb: float,
    smallest: int,
    model: onnx.ModelProto,
    quantizer: Quantizer,
    context: StageContext,
) -> dict[str, int]:
    """The widths of least cost in a folder of `max_mb`; embedding and head are included."""
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
    least = smallest + context.companion_bytes
    room = int(max_mb * 1e6) - least - HEADER_BYTES * len(bytes_at)
    if room < 0:
        raise ArtifactError(
            f"max_mb is {max_mb:g}, but the artefact has {least / 1e6:.2f} MB with every weight in"
            f" 2 bits; raise max_mb to {math.ceil(least / 1e5 + 0.1) / 10:g}, or remove layers,"
            " heads or neurons first."
        )
    names = list(bytes_at)
    budget = room + sum(sizes[BITS[0]] for sizes in bytes_at.values())
    errors = costs(model, names, quantizer, context)
    return dict(zip(names, cheapest(list(bytes_at.values()), errors, budget), strict=True))
