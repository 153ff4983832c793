"""Bytes of the artefact of a recipe, counted tensor by tensor before it is built.

Bytes of matrices are in `shape/quantized_bytes.py`; this file adds what surrounds them, and bounds
for everything that depends on weights or data.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import ceil

from paretoscope.errors import RecipeError
from paretoscope.families.family import ArchitectureName
from paretoscope.recipes.recipe import Recipe
from paretoscope.recipes.stages import BITS, Quantize
from paretoscope.shape.quantized_bytes import (
    Bytes,
    embedding_bytes,
    matrix_bytes,
    partial_group_bytes,
)
from paretoscope.shape.shape import FLOAT, ModelShape

OTHER_FILES_BYTES: dict[ArchitectureName, int] = {"classifier": 31_000, "decoder": 23_000}
"""Approximate size of config, recipe, manifest, model card and scripts together."""
TOKENIZER_BYTES_PER_TOKEN = (12, 40)
"""Lowest and highest size of a tokenizer.json that is converted from a slow tokenizer."""


@dataclass(frozen=True)
class SizeEstimate:
    """Bytes of an artefact: `weights_bytes` of all tensors, `total_bytes` of all files.

    `low` and `high` bound `weights_bytes`, which equals both if `exact`. Files other than the
    tensors are counted with an error of a few thousand bytes.
    """

    weights_bytes: int
    low: int
    high: int
    total_bytes: int
    exact: bool
    note: str = ""


def artifact_bytes(before: ModelShape, after: ModelShape, recipe: Recipe) -> SizeEstimate:
    """Bytes of the artefact of `recipe`, given the shapes before and after its structural stages.

    Zeros count like any weight: pruning single weights does not make a dense file smaller. Raises
    `RecipeError` when the quantization of the recipe does not fit the shape.
    """
    stage = next((stage for stage in recipe.stages if isinstance(stage, Quantize)), None)
    if stage is not None and stage.max_mb is not None:
        return _within_budget(before, after, stage, stage.max_mb)
    return _size(before, after, stage)


def _size(before: ModelShape, after: ModelShape, stage: Quantize | None) -> SizeEstimate:
    matrices = list(after.matrices())
    counted = matrix_bytes(matrices, stage)
    rest = after.unquantized_bytes() + embedding_bytes(after, stage)
    if stage is not None:
        rest += after.int8_constants_bytes(stage) if stage.scheme != "weight-only" else 0
        rest += after.cache_scale_bytes() if stage.cache_bits != 32 else 0
    margin = _uneven_margin(before, after, stage)
    low, high = counted.low - (margin or 0), counted.high + (margin or 0)
    tokenizer = _tokenizer_bytes(after)
    around = tokenizer.likely + after.graph_bytes(stage, len(matrices))
    around += OTHER_FILES_BYTES[after.architecture]
    notes = {
        "which matrix takes which width depends on its weights": counted.low < counted.high,
        "how wide each layer is depends on its weights": margin is not None,
        _tokenizer_note(after): True,
    }
    return SizeEstimate(
        weights_bytes=rest + counted.likely,
        low=rest + low,
        high=rest + high,
        total_bytes=rest + counted.likely + around,
        exact=low == high,
        note="; ".join(note for note, applies in notes.items() if note and applies),
    )


def _uneven_margin(before: ModelShape, after: ModelShape, stage: Quantize | None) -> int | None:
    """Most bytes by which layers of different widths differ from layers of the mean width.

    If the sum of the widths is known, only partially filled groups and the unspent part of an
    average of bits differ; otherwise a layer may have any width up to that of the original model.
    None if there is no difference.
    """
    grouped = stage is not None and stage.scheme == "weight-only"
    if not after.uneven or (after.sums_known and not grouped):
        return None
    widest = replace(after, heads=before.heads, ffn=before.ffn)
    sizes = [matrix.size for matrix in widest.matrices()]
    if not after.sums_known or stage is None or stage.parts:
        unquantized = widest.unquantized_bytes() - after.unquantized_bytes()
        return FLOAT * (sum(sizes) + unquantized)
    inputs = max(before.ffn, before.heads * before.head_size)
    unspent = 0 if stage.one_width else max(sizes)
    partial = partial_group_bytes(after, inputs, stage)
    return after.layers * len(after.uneven) * partial + unspent


# --- a budget -------------------------------------------------------------------------------------


def _within_budget(
    before: ModelShape, after: ModelShape, stage: Quantize, max_mb: float
) -> SizeEstimate:
    """Between 2 and 8 bits everywhere, and usually just below the budget."""
    low, high = (_size(before, after, _with_bits(stage, bits)) for bits in (BITS[0], BITS[-1]))
    note = "the bits of every part are chosen to fit"
    tokenizer = _tokenizer_bytes(after)
    uncertain = low.weights_bytes - low.low + tokenizer.likely - tokenizer.low
    least = low.total_bytes - uncertain - OTHER_FILES_BYTES[after.architecture]
    if max_mb * 1e6 < least:
        needed = ceil(low.total_bytes / 1e5 + 0.1) / 10
        raise RecipeError(
            f"max_mb is {max_mb:g}, but the artefact has about {low.total_bytes / 1e6:.2f} MB with"
            f" every weight in 2 bits; raise max_mb to {needed:g}, or prune layers, heads or FFN"
            " width first."
        )
    if max_mb * 1e6 < 2 * low.total_bytes - least:
        note += "; whether they can is known when the tokenizer is made"
    total = min(max(int(max_mb * 1e6), low.total_bytes), high.total_bytes)
    return SizeEstimate(
        weights_bytes=high.weights_bytes - (high.total_bytes - total),
        low=low.weights_bytes,
        high=min(high.weights_bytes, max(int(max_mb * 1e6), low.weights_bytes)),
        total_bytes=total,
        exact=False,
        note=note,
    )


def _with_bits(stage: Quantize, bits: int) -> Quantize:
    """The stage with `bits` for every part and no budget."""
    parts = {"bits": bits, "embedding_bits": bits, "head_bits": bits}
    return stage.model_copy(update={"max_mb": None, "allocation": "error", **parts})


# --- the tokenizer --------------------------------------------------------------------------------


def _tokenizer_bytes(shape: ModelShape) -> Bytes:
    if shape.tokenizer_bytes is None:
        least, most = (each * shape.vocabulary for each in TOKENIZER_BYTES_PER_TOKEN)
        return Bytes(least, (least + most) // 2, most)
    low, high = shape.tokenizer_bounds or (shape.tokenizer_bytes, shape.tokenizer_bytes)
    return Bytes(low, shape.tokenizer_bytes, high)


def _tokenizer_note(shape: ModelShape) -> str:
    if shape.tokenizer_bytes is None:
        return "the tokenizer file is yet to be made"
    if shape.tokenizer_bounds is None:
        return ""
    low, high = (f"{bound / 1e3:,.0f}" for bound in shape.tokenizer_bounds)
    return f"the tokenizer file takes {low} to {high} kB, by which entries the training texts use"
