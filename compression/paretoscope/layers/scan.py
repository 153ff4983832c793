"""The sensitivity scan: outputs of a classifier when one part at a time is rounded or pruned."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
import onnx

from paretoscope.graphs.graph import HEAD as HEAD_PREFIX
from paretoscope.graphs.graph import Matrix, embedding, matrices
from paretoscope.layers.sensitivity import OPTIONS, Cell, Option
from paretoscope.quantization.packing.groups import GROUP_SIZE
from paretoscope.quantization.rounding.rtn import quantize_groups
from paretoscope.quantization.sensitivity import Outputs, Values, changes, divergences
from paretoscope.shape.part_bytes import EMBEDDING, HEAD
from paretoscope.trials.trial import Interval

GROUP = 32
"""Weights of a matrix that share a scale, as in a recipe by default."""
Z_95 = 1.96


class Change(NamedTuple):
    """The change of the outputs, as the fields of a `Cell`."""

    kl: Interval
    error: float
    changed: int


def scan(
    model: onnx.ModelProto,
    texts: Sequence[np.ndarray],
    progress: Callable[[int, int], None],
    options: Sequence[Option] = OPTIONS,
) -> tuple[Cell, ...]:
    """A cell for every part with a width and every option; `texts` are token ids [tokens].

    Rounding is to nearest, in groups; the smallest weights of a matrix are set to zero. The
    embedding is only rounded: no recipe sets its weights to zero. Parts are in graph order.
    """
    tables = _tables(model)
    by_part = _by_part(tables)
    parts = {names[0]: part for part, names in by_part.items()}

    def replacements(first: str) -> Iterator[Values]:
        for option in _options_of(parts[first], options):
            yield {name: _changed(tables[name], option) for name in by_part[parts[first]]}

    found = changes(model, list(parts), replacements, texts, progress, _compare)
    return tuple(
        _cell(part, option, change)
        for part, changed in zip(by_part, found, strict=True)
        for option, change in zip(_options_of(part, options), changed, strict=True)
    )


def _tables(model: onnx.ModelProto) -> dict[str, Matrix | np.ndarray]:
    """The matrices, and the table of the word embedding, by the name of the initializer."""
    words = embedding(model)
    tables: dict[str, Matrix | np.ndarray] = {}
    if words is not None:
        tables[words[0].input[0]] = words[1]
    return tables | {matrix.name: matrix for matrix in matrices(model)}


def _by_part(tables: dict[str, Matrix | np.ndarray]) -> dict[str, list[str]]:
    """Names of initializers by part, in graph order."""
    found: dict[str, list[str]] = {}
    for name, table in tables.items():
        part = name
        if isinstance(table, np.ndarray) or name.startswith("embedding"):
            part = EMBEDDING
        elif name.startswith(HEAD_PREFIX):
            part = HEAD
        found.setdefault(part, []).append(name)
    return found


def _options_of(part: str, options: Sequence[Option]) -> list[Option]:
    return [each for each in options if part != EMBEDDING or each.bits is not None]


def _changed(table: Matrix | np.ndarray, option: Option) -> np.ndarray:
    """The initializer with one option applied, in its own shape."""
    if isinstance(table, np.ndarray):
        assert option.bits is not None, "the embedding is only rounded"
        return quantize_groups(table, option.bits, GROUP_SIZE.get(option.bits, GROUP)).dequantized()
    if option.bits is None:
        return table.as_stored(_sparse(table.weight, option.sparsity or 0.0))
    outputs_first = np.ascontiguousarray(table.weight.T)
    rounded = quantize_groups(outputs_first, option.bits, GROUP).dequantized()
    return table.as_stored(np.ascontiguousarray(rounded.T))


def _sparse(weight: np.ndarray, sparsity: float) -> np.ndarray:
    """A copy with the smallest magnitudes set to zero."""
    count = math.floor(sparsity * weight.size)
    changed = weight.copy()
    if count:
        smallest = np.argpartition(np.abs(weight), count - 1, axis=None)[:count]
        changed.ravel()[smallest] = 0.0
    return changed


def _compare(reference: Outputs, logits: np.ndarray) -> Change:
    each = divergences(reference, logits)
    mean = float(each.mean())
    half = Z_95 * float(each.std(ddof=1)) / math.sqrt(len(each)) if len(each) > 1 else 0.0
    low, value, high = (max(0.0, at) for at in (mean - half, mean, mean + half))
    scale = float(np.linalg.norm(reference.logits))
    return Change(
        Interval(value=value, low=low, high=high),
        float(np.linalg.norm(logits - reference.logits)) / max(scale, 1e-12),
        int((logits.argmax(axis=-1) != reference.logits.argmax(axis=-1)).sum()),
    )


def _cell(part: str, option: Option, change: Change) -> Cell:
    return Cell(part=part, option=option, **change._asdict())
