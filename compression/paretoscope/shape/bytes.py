"""How many bytes the artefact of a recipe has, counted tensor by tensor before anything is made.

It mirrors the graph of `models/assemble.py`, with `shape/decoder_bytes.py` that of
`models/assemble_decoder.py`, and the packing of `quantization/`; tests hold them together, byte for
byte. Where an average of bits lies between widths, which matrix takes which depends on the weights:
then it is an interval.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from math import ceil

from paretoscope.errors import RecipeError
from paretoscope.recipes.recipe import Recipe
from paretoscope.recipes.stages import BITS, Quantize
from paretoscope.recipes.stages.methods import ROUNDINGS
from paretoscope.shape.apply_recipe import after
from paretoscope.shape.decoder import DecoderShape
from paretoscope.shape.decoder_bytes import (
    FLOAT,
    INT64,
    cache_scale_bytes,
    matrix_sizes,
    unquantized_bytes,
)
from paretoscope.shape.shape import ModelShape

HALF = 2
"""Bytes of a float16, in which groups have their scales and minima."""
FREQUENT_BYTES = 4 * INT64
"""By which frequent words are told from the rest: how many they are, the last of them, zero and an
axis.
"""
CUTS_BYTES = 3 * INT64
"""Of a layer: where query, key and value are cut apart, which int8 attention does by itself."""
RANGE_BYTES = FLOAT + 1
"""Scale and zero point of an activation."""
EMBEDDING_GROUP = {8: 128, 4: 32, 2: 16}
"""Weights of a word's row that share a scale."""
OTHER_FILES_BYTES = 9_000
"""Config, recipe, manifest, model card and run.py together, about."""
TOKENIZER_BYTES_PER_WORD = (12, 40)
"""Of a tokenizer.json that is yet to be made from a slow tokenizer: least and most."""


@dataclass(frozen=True)
class SizeEstimate:
    """`weights_bytes` are those of all tensors, `total_bytes` those of all files, of which the
    files around the tensors are counted to within a few thousand. `exact` says whether
    `weights_bytes` is; if not, `low` to `high` bound it."""

    weights_bytes: int
    low: int
    high: int
    total_bytes: int
    exact: bool
    note: str = ""


@dataclass(frozen=True)
class Matrix:
    """A constant matrix [inputs, outputs] of the graph."""

    inputs: int
    outputs: int
    in_head: bool = False
    absorbs: bool = False
    """Whether a scale on its inputs can go into what comes before, so that it takes no bytes."""
    tied: bool = False
    """Whether it is the word embedding too."""

    @property
    def size(self) -> int:
        return self.inputs * self.outputs


def expected_bytes(facts: ModelShape, recipe: Recipe) -> SizeEstimate:
    """Bytes of the artefact that `recipe` makes of the model; raises `RecipeError` when it cannot
    be applied to it.

    Zeros count like any weight: pruning single weights makes no dense file smaller.
    """
    shape = after(facts, recipe)
    stage = next((stage for stage in recipe.stages if isinstance(stage, Quantize)), None)
    matrices = list(_matrices(shape))
    rest = _unquantized_bytes(shape) + _table_bytes(shape, stage)
    notes: list[str] = []
    if stage is not None and stage.max_mb is not None:
        return _budgeted(facts, recipe, stage.max_mb)
    if stage is None:
        low = high = middle = sum(matrix.size * FLOAT for matrix in matrices)
    elif stage.scheme == "weight-only":
        low, middle, high = _weight_only_bytes(matrices, stage)
        if low < high:
            notes.append("which matrix takes which width depends on its weights")
    else:
        low = high = middle = _int8_bytes(matrices, stage)
        rest += _int8_constants_bytes(shape, stage)
    if stage is not None and stage.cache_bits != 32 and isinstance(shape, DecoderShape):
        rest += cache_scale_bytes(shape)
    if shape.uneven and (
        (stage is not None and stage.scheme == "weight-only") or not shape.sums_known
    ):
        apart = _unevenness(facts, shape, stage)
        low, high = low - apart, high + apart
        notes.append("how wide each layer is depends on its weights")
    tokenizer = shape.tokenizer_bytes
    if tokenizer is None:
        tokenizer = sum(TOKENIZER_BYTES_PER_WORD) * shape.vocabulary // 2
        notes.append("the tokenizer file is yet to be made")
    elif shape.tokenizer_bounds is not None:
        least, most = shape.tokenizer_bounds
        notes.append(
            f"the tokenizer file takes {least / 1e3:,.0f} to {most / 1e3:,.0f} kB, by which entries"
            " the training texts use"
        )
    around = tokenizer + _graph_bytes(shape, stage, len(matrices)) + OTHER_FILES_BYTES
    return SizeEstimate(
        rest + middle,
        rest + low,
        rest + high,
        rest + middle + around,
        low == high,
        "; ".join(notes),
    )


def _unevenness(facts: ModelShape, shape: ModelShape, stage: Quantize | None) -> int:
    """How far bytes may lie from those of layers that all have the mean width, up or down.

    As long as the sum of the widths is known only the last, part-filled group of each output can
    differ, with real zero points those of the shifts and what says which inputs are in which group,
    and with an average of bits how large the matrix is whose step to more bits was not taken.
    Otherwise the layers may have any width up to the model's own.
    """
    if not shape.sums_known:
        widest = replace(shape, heads=facts.heads, ffn=facts.ffn)
        return FLOAT * (
            sum(matrix.size for matrix in _matrices(widest))
            + _unquantized_bytes(widest)
            - _unquantized_bytes(shape)
        )
    assert stage is not None
    group = stage.group_size * max(BITS) // 8 + 2 * HALF
    unspent = (
        0
        if stage.one_width
        else max(
            matrix.size for matrix in _matrices(replace(shape, heads=facts.heads, ffn=facts.ffn))
        )
    )
    members = 0
    if stage.zero_point == "real":
        group += max(_starts_bytes(1, bits, stage.group_size, real=True) for bits in (2, 4))
        members = _member_bytes(max(facts.ffn, facts.heads * facts.head_size), stage.group_size)
    return shape.layers * len(shape.uneven) * (shape.hidden * group + members) + unspent


def _budgeted(facts: ModelShape, recipe: Recipe, max_mb: float) -> SizeEstimate:
    """Between all at 2 bits and all at 8, and mostly just below the budget, which is kept to the
    byte when the artefact is made.
    """

    def at(bits: int) -> SizeEstimate:
        alike = {
            "max_mb": None,
            "allocation": "error",
            "bits": bits,
            "embedding_bits": bits,
            "head_bits": bits,
        }
        stages = tuple(
            stage.model_copy(update=alike) if isinstance(stage, Quantize) else stage
            for stage in recipe.stages
        )
        return expected_bytes(facts, recipe.model_copy(update={"stages": stages}))

    low, high = at(BITS[0]), at(BITS[-1])
    note = "the bits of every part are chosen to fit"
    shape = after(facts, recipe)
    sure = (
        low.total_bytes
        - (low.weights_bytes - low.low)
        - _unsure_of_the_tokenizer(shape)
        - OTHER_FILES_BYTES
    )
    if max_mb * 1e6 < sure:
        needed = ceil(low.total_bytes / 1e5 + 0.1) / 10
        raise RecipeError(
            f"max_mb is {max_mb:g}, but with every weight in 2 bits the artefact has about"
            f" {low.total_bytes / 1e6:.2f} MB already; raise max_mb to {needed:g}, or remove"
            " layers, heads or neurons first."
        )
    if max_mb * 1e6 < 2 * low.total_bytes - sure:
        note += "; whether they can is known when the tokenizer is made"
    total = min(max(int(max_mb * 1e6), low.total_bytes), high.total_bytes)
    weights = high.weights_bytes - (high.total_bytes - total)
    top = min(high.weights_bytes, max(int(max_mb * 1e6), low.weights_bytes))
    return SizeEstimate(weights, low.weights_bytes, top, total, False, note)


def _unsure_of_the_tokenizer(shape: ModelShape) -> int:
    """By how many bytes the tokenizer may be smaller than what is counted for it."""
    if shape.tokenizer_bytes is None:
        least, most = TOKENIZER_BYTES_PER_WORD
        return (most - least) * shape.vocabulary // 2
    return shape.tokenizer_bytes - shape.tokenizer_bounds[0] if shape.tokenizer_bounds else 0


def _matrices(shape: ModelShape) -> Iterator[Matrix]:
    """Every matrix of the graph; query, key and value are one."""
    if isinstance(shape, DecoderShape):
        yield from (
            Matrix(inputs, outputs, absorbs=absorbs)
            for inputs, outputs, absorbs in matrix_sizes(shape)
        )
        yield Matrix(shape.hidden, shape.vocabulary, in_head=True, tied=shape.tied)
        return
    attention = shape.heads * shape.head_size
    if shape.projected:
        yield Matrix(shape.embedding, shape.hidden, absorbs=True)
    for _ in range(shape.layers):
        yield Matrix(shape.hidden, 3 * attention)
        yield Matrix(attention, shape.hidden, absorbs=True)
        yield Matrix(shape.hidden, shape.ffn)
        yield Matrix(shape.ffn, shape.hidden)
    yield Matrix(shape.hidden, shape.hidden, in_head=True)
    yield Matrix(shape.hidden, shape.classes, in_head=True)


def _unquantized_bytes(shape: ModelShape) -> int:
    """What stays in floats whatever the bits: positions, norms, biases and the graph's own
    constants.
    """
    if isinstance(shape, DecoderShape):
        return unquantized_bytes(shape)
    hidden, attention = shape.hidden, shape.heads * shape.head_size
    embeddings = (
        shape.positions * shape.embedding + 2 * shape.embedding + (hidden if shape.projected else 0)
    )
    layer = 3 * attention + hidden + shape.ffn + hidden + 4 * hidden
    head = hidden + shape.classes
    constants = (
        INT64 + INT64 + shape.layers * CUTS_BYTES
    )  # first token, row zero, and where qkv is cut
    return FLOAT * (embeddings + shape.layers * layer + head) + constants


def _table_bytes(shape: ModelShape, stage: Quantize | None) -> int:
    """The word embedding where it is a table of its own: a tied one is the head's matrix, unless an
    int8 scheme leaves the head alone.
    """
    bits = stage.embedding_bits if stage else 32
    if isinstance(shape, DecoderShape) and shape.tied:
        apart = (
            stage is not None
            and stage.scheme != "weight-only"
            and stage.head_bits == 32
            and bits != 32
        )
        if not apart:
            return 0
    if stage is None or bits == 32:
        return FLOAT * shape.vocabulary * shape.embedding

    def bytes_of(words: int, bits: int) -> int:
        return words * _row_bytes(shape.embedding, bits, EMBEDDING_GROUP[bits])

    if not stage.frequent_words:
        return bytes_of(shape.vocabulary, bits)
    rest = _rest(shape.vocabulary, stage)
    return bytes_of(stage.frequent_words, 8) + bytes_of(rest, bits) + FREQUENT_BYTES


def _rest(vocabulary: int, stage: Quantize) -> int:
    """How many words are not among the frequent ones."""
    if stage.frequent_words >= vocabulary:
        raise RecipeError(
            f"frequent_words is {stage.frequent_words:,}, but the vocabulary has {vocabulary:,}"
            " entries; set it below."
        )
    return vocabulary - stage.frequent_words


def _row_bytes(columns: int, bits: int, group_size: int, real: bool = False) -> int:
    """Codes of a row, a scale a group and, below 8 bits, where the levels of each begin."""
    return (
        ceil(columns * bits / 8)
        + HALF * ceil(columns / group_size)
        + _starts_bytes(columns, bits, group_size, real)
    )


def _starts_bytes(columns: int, bits: int, group_size: int, real: bool) -> int:
    """Packed integer zero points; or 8 bits a group in the digits of as many bits as codes have,
    which are whole groups with scales again.
    """
    groups = ceil(columns / group_size)
    if bits == 8:
        return 0
    return (
        (8 // bits) * ceil(groups / group_size) * (group_size * bits // 8 + HALF)
        if real
        else ceil(groups * bits / 8)
    )


def _int8_bytes(matrices: list[Matrix], stage: Quantize) -> int:
    """A byte a weight and a scale an output; static adds a scale and a zero point for each
    activation that enters.
    """
    total = 0
    for matrix in matrices:
        if matrix.tied:
            total += _head_bytes(matrix, stage)
        elif matrix.in_head and stage.head_bits == 32:
            total += matrix.size * FLOAT
        else:
            total += (
                matrix.size
                + matrix.outputs * FLOAT
                + (RANGE_BYTES if stage.scheme == "int8-static" else 0)
            )
    return total


def _int8_constants_bytes(shape: ModelShape, stage: Quantize) -> int:
    """What an int8 scheme adds to or takes from the graph's own constants.

    A classifier's attention takes in its projection, so nothing cuts that apart. Smoothing has a
    factor a channel before query, key and value and before the feed-forward; the first has none
    when an embedding of another width, whose norm takes its factors, is widened in between. A
    language model's norms take all factors; where attention and feed-forward read one activation,
    it has one range.
    """
    if isinstance(shape, DecoderShape):
        return (
            -shape.layers * RANGE_BYTES if shape.norms == 1 and stage.scheme == "int8-static" else 0
        )
    smoothed = 2 * shape.layers - shape.projected if stage.smooth else 0
    return smoothed * shape.hidden * FLOAT - shape.layers * CUTS_BYTES


def _weight_only_bytes(matrices: list[Matrix], stage: Quantize) -> tuple[int, int, int]:
    """Low, middle and high: equal when every matrix has one and the same width."""
    head = sum(_head_bytes(m, stage) for m in matrices if m.in_head)
    encoder = [m for m in matrices if not m.in_head]
    if ROUNDINGS[stage.rounding].rescales:
        head += sum(m.inputs * FLOAT for m in encoder if not m.absorbs)  # a scale on their inputs
    if stage.one_width is not None:
        exact = (
            head
            + sum(_grouped(m, stage.one_width, stage) for m in encoder)
            + _shared_bytes(matrices, stage, stage.one_width)
        )
        return exact, exact, exact
    groups = [m.outputs * ceil(m.inputs / stage.group_size) for m in encoder]
    scales = sum(groups) * HALF
    filled = sum(groups) * stage.group_size / sum(m.size for m in encoder)
    codes = stage.bits * sum(m.size for m in encoder) * filled / 8
    # Less than the dearest step from 4 to 8 bits stays unspent, else that step would have been
    # taken.
    unspent = max(m.size for m in encoder) * filled * 4 / 8
    real = stage.zero_point == "real"
    packed = {
        bits: sum(
            m.outputs * _starts_bytes(m.inputs, bits, stage.group_size, real) for m in encoder
        )
        for bits in (2, 4)
    }
    # 8 bits do without zero points; an average of 2 to 4 is mostly a mix of those two, one above a
    # mix of 4 and 8.
    at_4 = (stage.bits - 2) / 2 if stage.bits < 4 else (8 - stage.bits) / 4
    zero_points = at_4 * packed[4] + ((1 - at_4) * packed[2] if stage.bits < 4 else 0)
    fixed, shared = head + scales, _shared_bytes(matrices, stage, BITS[0])
    return (
        int(fixed + codes - unspent),
        int(fixed + codes + zero_points + shared),
        ceil(fixed + codes + max(packed.values()) + shared),
    )


def _head_bytes(matrix: Matrix, stage: Quantize) -> int:
    """In groups; of a tied one the frequent words may have more bits than the rest."""
    bits = _head_bits(matrix, stage)
    if not matrix.tied or not stage.frequent_words:
        return _grouped(matrix, bits, stage)
    if bits >= 8:
        raise RecipeError(
            "frequent_words needs head_bits below 8 too, for this head is the word embedding; set"
            f" it to 4 or 2, got {bits}."
        )
    rest = replace(matrix, outputs=_rest(matrix.outputs, stage))
    return (
        _grouped(replace(matrix, outputs=stage.frequent_words), 8, stage)
        + _grouped(rest, bits, stage)
        + FREQUENT_BYTES
    )


def _head_bits(matrix: Matrix, stage: Quantize) -> int:
    """A tied head takes the finer width of its two uses."""
    return max(stage.head_bits, stage.embedding_bits) if matrix.tied else stage.head_bits


def _group_size(matrix: Matrix, stage: Quantize) -> int:
    """A tied head has groups that its rows are whole multiples of."""
    group = stage.group_size
    while matrix.tied and matrix.inputs % group:
        group //= 2
    return group


def _grouped(matrix: Matrix, bits: int, stage: Quantize) -> int:
    """Rows of full groups, each as `_row_bytes` counts it."""
    if bits == 32:
        return matrix.size * FLOAT
    group = _group_size(matrix, stage)
    return matrix.outputs * _row_bytes(
        ceil(matrix.inputs / group) * group, bits, group, stage.zero_point == "real"
    )


def _shared_bytes(matrices: Iterable[Matrix], stage: Quantize, bits: int) -> int:
    """What matrices with real zero points share: which inputs are in which group, a byte each, and
    how a row that is looked up is cut apart.

    `bits` are those of the matrices before the head.
    """
    if stage.zero_point == "integer":
        return 0
    shifted = [
        matrix for matrix in matrices if (_head_bits(matrix, stage) if matrix.in_head else bits) < 8
    ]
    members = {(matrix.inputs, _group_size(matrix, stage)) for matrix in shifted}
    cuts = sum(INT64 * (1 + 8 // _head_bits(matrix, stage)) for matrix in shifted if matrix.tied)
    return sum(_member_bytes(inputs, group) for inputs, group in members) + cuts


def _member_bytes(inputs: int, group_size: int) -> int:
    """A byte for every input and group, the groups filled up to whole groups again."""
    return inputs * ceil(ceil(inputs / group_size) / group_size) * group_size


def _graph_bytes(shape: ModelShape, stage: Quantize | None, matrices: int) -> int:
    """Nodes and names around the tensors: about 1.3 kB, 1.7 kB a layer and what each quantized
    matrix adds. A language model has two graphs, one of them for scoring, more operators a layer,
    and aligned tensors in a file apart."""
    if isinstance(shape, DecoderShape):
        each = (
            {"int8-dynamic": 650, "int8-static": 1_000, "weight-only": 970}[stage.scheme]
            if stage
            else 0
        )
        return 5_000 + (7_500 if shape.layer_norm else 5_000) * shape.layers + each * matrices
    each = (
        {"int8-dynamic": 95, "int8-static": 360, "weight-only": 230}[stage.scheme] if stage else 0
    )
    return 1_300 + 1_700 * shape.layers + each * matrices
