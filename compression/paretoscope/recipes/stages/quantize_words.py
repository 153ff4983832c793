"""A quantization stage in a few words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from paretoscope.recipes.stages.stage import epochs_in_words

if TYPE_CHECKING:
    from paretoscope.recipes.stages.quantize import Quantize


def in_words(stage: Quantize) -> str:
    """`weights 8 bit (2 parts at 4) g64 gptq, embedding 4`."""
    if stage.scheme != "weight-only":
        words = stage.scheme.replace("-", " ")
        if stage.scheme == "int8-static" and stage.calibration != "minmax":
            words += f" {stage.calibration}"
        if stage.smooth:
            words += f" smooth {stage.smooth:g}"
    else:
        words = _weight_only(stage)
    words += "" if stage.embedding_bits == 8 else f", embedding {stage.embedding_bits}"
    words += f" ({stage.frequent_words:,} words at 8)" if stage.frequent_words else ""
    return (
        words
        + ("" if stage.cache_bits == 32 else f", cache {stage.cache_bits}")
        + epochs_in_words(stage.train_epochs)
    )


def _weight_only(stage: Quantize) -> str:
    words = f"weights {stage.bits:g} bit"
    if stage.max_mb is not None:
        words = f"weights to {stage.max_mb:g} MB"
    if stage.parts:
        widths = ", ".join(map(str, sorted({bits for _, bits in stage.parts})))
        count = len(stage.parts)
        words += f" ({count} part{'' if count == 1 else 's'} at {widths})"
    words += "" if stage.group_size == 32 else f" g{stage.group_size}"
    words += "" if stage.rounding == "rtn" else f" {stage.rounding}"
    words += "" if stage.allocation == "error" else " by sensitivity"
    return words + ("" if stage.zero_point == "integer" else ", real zero points")
