"""Can this setting change the size of the file, or its speed, here at all? Answers in words, before
anything is run.

Every rule is a fact about the formats and kernels that artefacts use (ONNX Runtime on a CPU), most
of them measured for this project; how much a recipe changes quality is `whatif/estimate.py`'s.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from paretoscope.recipes.recipe import Recipe
from paretoscope.recipes.stages import Distill, PruneStructure, PruneWeights, Quantize
from paretoscope.shape.apply_recipe import after
from paretoscope.shape.bytes import HALF
from paretoscope.shape.decoder import DecoderShape
from paretoscope.shape.shape import ModelShape
from paretoscope.trials.trial import Conditions

INT8_KERNELS = ("vnni", "amx_int8", "asimddp", "i8mm")
"""Parts of the names of instruction sets that multiply int8 faster than fp32: VNNI and AMX on x86,
dot product on Arm.
"""
_SATURATION = " ONNX Runtime's sums can saturate here; accuracy is measured with that."
"""Of x86 without VNNI: pairs of uint8 x int8 products are added in 16 bits, and what to do about it
is in docs/measuring.md.
"""
MANY_ROWS, MANY_ROWS_WITHOUT_INT8 = 64, 32
"""Rows of activations (batch x tokens) from which fp32 matrices are no slower than packed 4 and 2
bits; without int8 instructions than 8, too.
"""


@dataclass(frozen=True)
class Advice:
    """What a recipe, or one stage of it (`stage`, counted from 0), can change here: the file's
    size, its speed, and why.
    """

    size: bool
    speed: bool
    text: str
    stage: int | None = None

    def __str__(self) -> str:
        return self.text


def advice(
    recipe: Recipe,
    flags: Sequence[str] = (),
    conditions: Conditions | None = None,
    facts: ModelShape | None = None,
) -> list[Advice]:
    """One or more sentences a stage, in the order of the recipe; a last one when nothing gets
    smaller and nothing faster.

    `flags` are the machine's instruction sets (`Machine.flags`; empty: not known); with `facts` of
    the model it can also say what rounding leaves of a stage. Raises `RecipeError` when the recipe
    does not fit those facts.

    >>> str(advice(Recipe(stages=(PruneWeights(sparsity=0.6),)))[0])
    'Zeros in single weights make this file no smaller and no faster: it stays dense. Prune heads, neurons or layers for that.'
    """
    at = conditions or Conditions()
    found: list[Advice] = []
    for place, stage in enumerate(recipe.stages):
        if isinstance(stage, PruneWeights):
            said = _of_zeros(stage)
        elif isinstance(stage, PruneStructure):
            said = _of_structure(recipe, place, stage, facts)
        elif isinstance(stage, Distill):
            said = _of_student(recipe, place, stage, facts)
        else:
            said = [
                *(
                    _of_weight_only(stage, flags, at, facts)
                    if stage.scheme == "weight-only"
                    else _of_int8(stage, flags)
                ),
                *_of_embedding(stage, facts),
            ]
        found += [Advice(each.size, each.speed, each.text, place) for each in said]
    if found and not any(each.size or each.speed for each in found):
        found.append(
            _say(
                False,
                False,
                "As it stands this recipe can cost accuracy but makes the model neither smaller nor"
                " faster on this machine.",
            )
        )
    return found


def _say(size: bool, speed: bool, text: str) -> Advice:
    return Advice(size, speed, text)


def _of_zeros(stage: PruneWeights) -> list[Advice]:
    if stage.target_sparsity == 0:
        return [_say(False, False, "A sparsity of 0 changes nothing.")]
    if stage.n_of_m:
        text = (
            f"{stage.pattern} zeros need sparse tensor cores of a GPU: on this CPU the file gets no"
            " smaller and no faster."
        )
    else:
        text = (
            "Zeros in single weights make this file no smaller and no faster: it stays dense. Prune"
            " heads, neurons or layers for that."
        )
    said = [_say(False, False, text)]
    if (
        stage.target_sparsity >= (0.7 if stage.method != "sparsegpt" else 0.8)
        and not stage.retrain_epochs
    ):
        text = (
            f"{stage.target_sparsity * 100:g} % zeros without retraining usually cost much"
            " accuracy; give it steps and retrain_epochs."
        )
        said.append(_say(False, False, text))
    return said


def _of_student(
    recipe: Recipe, place: int, stage: Distill, facts: ModelShape | None
) -> list[Advice]:
    if (
        facts is not None
        and after(facts, recipe.prefix(place)).layers == stage.layers
        and not stage.cuts()
    ):
        return [
            _say(
                False,
                False,
                f"The teacher has {stage.layers} layers already, so this student is as large and as"
                " slow as its teacher.",
            )
        ]
    return [
        _say(
            True,
            True,
            "Time falls about in proportion to the layers that go; size falls less, for every word"
            " stays.",
        )
    ]


def _of_structure(
    recipe: Recipe, place: int, stage: PruneStructure, facts: ModelShape | None
) -> list[Advice]:
    what = {
        "heads": "heads",
        "ffn": "feed-forward neurons",
        "layers": "layers",
        "hidden": "dimensions of the hidden state",
        "vocabulary": "entries of the vocabulary",
    }[stage.target]
    if stage.ratio == 0:
        return [_say(False, False, f"A ratio of 0 removes no {what}.")]
    if stage.target == "vocabulary":
        return _of_vocabulary(recipe, place, stage, facts)
    if facts is None:
        return [
            _say(
                True,
                True,
                f"Whole {what} go: the tensors really get smaller, the file and the time with"
                " them.",
            )
        ]
    before, left = after(facts, recipe.prefix(place)), after(facts, recipe.prefix(place + 1))
    there, stay = getattr(before, stage.target), getattr(left, stage.target)
    each = (
        ""
        if stage.target in ("layers", "hidden")
        else " of each layer"
        if stage.allocation == "uniform"
        else " of a layer on average"
    )
    if there == stay:
        return [
            _say(
                False,
                False,
                f"{stage.ratio * 100:g} % of {there} {what} rounds to none: this stage changes"
                " nothing; raise the ratio.",
            )
        ]
    said = [
        _say(
            True,
            True,
            f"{stay} of {there} {what}{each} stay: the tensors really get smaller, the file and the"
            " time with them.",
        )
    ]
    width = left.heads * left.head_size if stage.target == "heads" else stay
    if stage.target != "layers" and width % 8:
        said.append(
            _say(
                True,
                False,
                f"A width of {width} is no multiple of 8, so part of the vector units idles;"
                " another ratio may be faster.",
            )
        )
    return said


def _of_vocabulary(
    recipe: Recipe, place: int, stage: PruneStructure, facts: ModelShape | None
) -> list[Advice]:
    slower = "no faster: words are looked up, not multiplied, and rare words fall into more tokens"
    if facts is None:
        return [_say(True, False, f"The word embedding gets smaller, the model {slower}.")]
    before, left = after(facts, recipe.prefix(place)), after(facts, recipe.prefix(place + 1))
    saved = (before.vocabulary - left.vocabulary) * before.embedding / facts.parameters
    text = (
        f"{left.vocabulary:,} of {before.vocabulary:,} entries stay: {saved * 100:.0f} % of the"
        f" model's numbers go, and it gets {slower}."
    )
    return [_say(True, False, text)]


def _of_int8(stage: Quantize, flags: Sequence[str]) -> list[Advice]:
    size = "The matrices take a quarter of the bytes"
    if not flags:
        return [
            _say(
                True,
                True,
                f"{size}; integer arithmetic is about twice as fast where the CPU has VNNI or AMX,"
                " and little faster elsewhere.",
            )
        ]
    if not _has_int8(flags):
        if "avx2" in flags:
            return [
                _say(
                    True,
                    True,
                    f"{size} and run faster than fp32, though not as fast as with int8 instructions"
                    f" (VNNI, AMX).{_SATURATION}",
                )
            ]
        return [
            _say(
                True,
                False,
                f"{size}, but this CPU has no int8 instructions (VNNI, AMX), so it gains little"
                " speed or none.",
            )
        ]
    how = (
        "ranges of activations are fixed beforehand"
        if stage.scheme == "int8-static"
        else "the range of activations is found in every call"
    )
    return [_say(True, True, f"{size}, and this CPU multiplies int8 faster than fp32 ({how}).")]


def _has_int8(flags: Sequence[str]) -> bool:
    return any(part in flag.lower() for flag in flags for part in INT8_KERNELS)


def _of_weight_only(
    stage: Quantize, flags: Sequence[str], at: Conditions, facts: ModelShape | None
) -> list[Advice]:
    rows = at.batch * at.sequence
    without = bool(flags) and not _has_int8(flags)
    many = MANY_ROWS_WITHOUT_INT8 if without else MANY_ROWS
    generates = isinstance(facts, DecoderShape)
    if stage.max_mb is not None:
        text = f"Every part takes 2, 4 or 8 bits, so that all files fit into {stage.max_mb:g} MB"
        if generates:
            return [_of_tokens(text, at)]
        if rows >= many:
            return [
                _say(
                    True,
                    False,
                    f"{text}; what has fewer than 8 is no faster than fp32 at {rows} rows at once,"
                    " for widening weights costs time.",
                )
            ]
        return [
            _say(
                True,
                True,
                f"{text}; weights are widened in every call, which pays at few rows at once (here"
                f" {rows}).",
            )
        ]
    real = stage.zero_point == "real" and stage.bits < 8
    starts = 0 if stage.bits == 8 else 8 if real else stage.bits
    takes = stage.bits + (8 * HALF + starts) / stage.group_size
    size = f"With its scales a weight takes {f'about {takes:.2g}' if real else f'{takes:.3g}'} bits"
    if generates:
        return [_of_tokens(size, at, _of_few_bits(stage))]
    if rows >= many and (stage.bits < 8 or without):
        where = f"at batch {at.batch} and {at.sequence} tokens ({rows} rows at once)"
        return [
            _say(
                True,
                False,
                f"{size}; {where} it is no faster than fp32, for widening weights costs what it"
                " saves or more.",
            )
        ]
    text = (
        f"{size}; weights are widened in every call, which pays at few rows at once (here {rows};"
        f" from about {many} on it no longer does)."
    )
    return [_say(True, True, text + _of_few_bits(stage))]


def _of_tokens(size: str, at: Conditions, more: str = "") -> Advice:
    """Of a language model, which reads a prompt at once and then writes a row at a time."""
    prompt = (
        f"the prompt, {at.batch * at.sequence} rows at once, is read no faster, for there widening"
        " weights costs more than it saves"
    )
    return _say(
        True,
        True,
        f"{size}; each token that is written reads fewer bytes and comes faster. Only"
        f" {prompt}.{more}",
    )


def _of_few_bits(stage: Quantize) -> str:
    return (
        " Fewer bits are not always faster still: 2 bits run slower than 4 on this kind of kernel."
        if stage.bits < 4
        else ""
    )


def _of_embedding(stage: Quantize, facts: ModelShape | None) -> list[Advice]:
    if stage.embedding_bits != 32 or stage.max_mb is not None:
        return []
    share = (
        f" ({facts.vocabulary * facts.embedding / facts.parameters * 100:.0f} % of the model's"
        " numbers)"
        if facts
        else ""
    )
    return [
        _say(
            False,
            False,
            f"The word embedding{share} stays in fp32: 8 bits would make the file smaller at the"
            " same speed.",
        )
    ]
