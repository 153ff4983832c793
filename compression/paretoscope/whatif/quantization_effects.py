"""Effects of quantization on size and speed, by instruction sets and rows per call.

The limits were measured with the kernels of ONNX Runtime on CPUs.
"""

from __future__ import annotations

from collections.abc import Sequence

from paretoscope.recipes.stages import Quantize
from paretoscope.shape.shape import HALF, ModelShape
from paretoscope.trials.request import Conditions
from paretoscope.whatif.effect import Effect, no_effect

INT8_KERNELS = ("vnni", "amx_int8", "asimddp", "i8mm")
"""Parts of the names of instruction sets that multiply int8 faster than fp32: VNNI and AMX on x86,
dot product on Arm.
"""
MANY_ROWS, MANY_ROWS_WITHOUT_INT8 = 64, 32
"""Rows of activations (batch x tokens) from which fp32 is as fast as 4 and 2 bits; on CPUs without
int8 instructions, also as 8 bits.
"""
SATURATION = "ONNX Runtime's int8 sums can saturate on this CPU; the measured accuracy includes it."
"""x86 without VNNI adds pairs of uint8 x int8 products in 16 bits; see docs/measuring.md."""
TWO_BITS = "Fewer bits are not always faster: 2 bits are slower than 4 in these kernels."


def quantization_effects(
    stage: Quantize, flags: Sequence[str], at: Conditions, shape: ModelShape | None
) -> list[Effect]:
    """Effects of a stage; `flags` are the machine's instruction sets, empty if unknown."""
    if stage.scheme == "weight-only":
        found = [_weight_only(stage, flags, at, shape)]
    else:
        found = [_int8(stage, flags)]
    if stage.embedding_bits == 32 and stage.max_mb is None:
        found.append(_float_embedding(shape))
    return found


def has_int8(flags: Sequence[str]) -> bool:
    """Whether any of the instruction sets multiplies int8.

    >>> has_int8(("avx2", "avx512_vnni")), has_int8(("avx2",))
    (True, False)
    """
    return any(part in flag.lower() for flag in flags for part in INT8_KERNELS)


def _int8(stage: Quantize, flags: Sequence[str]) -> Effect:
    size = "Matrices take a quarter of the bytes"
    if not flags:
        text = (
            f"{size}; inference is about twice as fast on CPUs with VNNI or AMX, and little faster"
            " on others."
        )
        return Effect(True, True, text)
    if has_int8(flags):
        when = "fixed by calibration" if stage.scheme == "int8-static" else "computed in each call"
        text = f"{size}, and this CPU multiplies int8 faster than fp32 (ranges are {when})."
        return Effect(True, True, text)
    if "avx2" in flags:
        text = (
            f"{size} and are multiplied faster than in fp32, but slower than with int8 instructions"
            f" (VNNI, AMX). {SATURATION}"
        )
        return Effect(True, True, text)
    text = (
        f"{size}, but this CPU has no int8 instructions (VNNI, AMX), so speed changes little or not"
        " at all."
    )
    return Effect(True, False, text)


def _weight_only(
    stage: Quantize, flags: Sequence[str], at: Conditions, shape: ModelShape | None
) -> Effect:
    rows = at.batch * at.sequence
    without_int8 = bool(flags) and not has_int8(flags)
    many = MANY_ROWS_WITHOUT_INT8 if without_int8 else MANY_ROWS
    size = _weight_only_size(stage)
    slow = f" {TWO_BITS}" if stage.max_mb is None and stage.bits < 4 else ""
    if shape is not None and shape.architecture == "decoder":
        text = (
            f"{size}; generation is faster, because each token reads fewer bytes. The prompt"
            f" ({rows} rows per call) is not, because dequantization costs more than it saves."
        )
        return Effect(True, True, text + slow)
    fewer_than_8 = stage.max_mb is not None or stage.bits < 8
    if rows >= many and (fewer_than_8 or without_int8):
        what = "a matrix below 8 bits" if stage.max_mb is not None else "it"
        text = (
            f"{size}; at batch size {at.batch} and {at.sequence} tokens ({rows} rows per call)"
            f" {what} is not faster than fp32, because dequantization costs at least what it saves."
        )
        return Effect(True, False, text)
    text = (
        f"{size}; weights are dequantized in every call, which is faster only for few rows per call"
        f" (below about {many}, here {rows})."
    )
    return Effect(True, True, text + slow)


def _weight_only_size(stage: Quantize) -> str:
    if stage.max_mb is not None:
        return f"Every part gets 2, 4 or 8 bits, so that all files fit into {stage.max_mb:g} MB"
    real = stage.zero_point == "real" and stage.bits < 8
    zero_point = 0 if stage.bits == 8 else 8 if real else stage.bits
    bits = stage.bits + (8 * HALF + zero_point) / stage.group_size
    where = "Outside the chosen parts, a" if stage.parts else "With its scale, a"
    ending = " with its scale" if stage.parts else ""
    return f"{where} weight takes {f'about {bits:.2g}' if real else f'{bits:.3g}'} bits{ending}"


def _float_embedding(shape: ModelShape | None) -> Effect:
    share = ""
    if shape is not None:
        percent = shape.vocabulary * shape.embedding / shape.parameters * 100
        share = f" ({percent:.0f} % of the parameters)"
    return no_effect(
        f"The word embedding{share} stays in fp32: 8 bits would make the file smaller at the same"
        " speed."
    )
