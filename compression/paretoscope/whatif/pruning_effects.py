"""Effects of sparsity, structural pruning and distillation on size and speed.

Artefacts store sparse weights densely; removed units make tensors smaller.
"""

from __future__ import annotations

from paretoscope.recipes.stages import Distill, PruneStructure, PruneWeights
from paretoscope.shape.shape import ModelShape
from paretoscope.whatif.effect import Effect, no_effect

DENSE = (
    "Sparse weights are stored densely: the file gets neither smaller nor faster. Prune heads, FFN"
    " width or layers for that."
)
NO_SPARSITY = "A sparsity of 0 has no effect."
FEWER_LAYERS = (
    "Latency falls roughly in proportion to the removed layers; size falls less, because the word"
    " embedding is kept."
)
_LOOKED_UP = (
    "does not get faster: embeddings are looked up, not multiplied, and rare words become more"
    " tokens"
)
_UNITS = {
    "heads": "attention heads",
    "ffn": "FFN units",
    "layers": "layers",
    "hidden": "hidden dimensions",
    "vocabulary": "vocabulary entries",
}

Change = tuple[ModelShape, ModelShape] | None
"""Shapes before and after a stage; None if the shape of the model is not known."""


def sparsity_effects(stage: PruneWeights) -> list[Effect]:
    sparsity = stage.target_sparsity
    if sparsity == 0:
        return [no_effect(NO_SPARSITY)]
    text = DENSE
    if stage.n_of_m:
        text = (
            f"{stage.pattern} sparsity needs the sparse tensor cores of a GPU; on a CPU the file"
            " gets neither smaller nor faster."
        )
    found = [no_effect(text)]
    if sparsity >= (0.8 if stage.method == "sparsegpt" else 0.7) and not stage.retrain_epochs:
        text = (
            f"{sparsity * 100:g} % sparsity without retraining usually costs much accuracy; set"
            " steps and retrain_epochs."
        )
        found.append(no_effect(text))
    return found


def student_effects(stage: Distill, change: Change) -> list[Effect]:
    if change is not None and change[0].layers == stage.layers and not stage.cuts():
        text = (
            f"The teacher has {stage.layers} layers too: this student is as large and as slow as"
            " its teacher."
        )
        return [no_effect(text)]
    return [Effect(True, True, FEWER_LAYERS)]


def structure_effects(stage: PruneStructure, change: Change) -> list[Effect]:
    units = _UNITS[stage.target]
    if stage.ratio == 0:
        return [no_effect(f"A ratio of 0 removes no {units}.")]
    if stage.target == "vocabulary":
        return [_vocabulary_effect(change)]
    if change is None:
        text = f"Removing {units} makes the file smaller and inference faster."
        return [Effect(True, True, text)]
    total, kept = (getattr(shape, stage.target) for shape in change)
    if kept == total:
        text = (
            f"{stage.ratio * 100:g} % of {total} {units} rounds to 0: this stage has no effect;"
            " increase the ratio."
        )
        return [no_effect(text)]
    text = (
        f"{kept} of {total} {units}{_where(stage)} are kept; the file gets smaller and inference"
        " faster."
    )
    width = kept * change[1].head_size if stage.target == "heads" else kept
    aligned = stage.target == "layers" or width % 8 == 0
    return [Effect(True, True, text), *([] if aligned else [_unaligned(width)])]


def _where(stage: PruneStructure) -> str:
    if stage.target in ("layers", "hidden"):
        return ""
    return " of each layer" if stage.allocation == "uniform" else " of a layer on average"


def _unaligned(width: int) -> Effect:
    text = (
        f"A width of {width} is not a multiple of 8, so vector units are partly unused; another"
        " ratio may be faster."
    )
    return Effect(True, False, text)


def _vocabulary_effect(change: Change) -> Effect:
    if change is None:
        return Effect(True, False, f"The word embedding gets smaller, but the model {_LOOKED_UP}.")
    before, after = change
    saved = (before.vocabulary - after.vocabulary) * before.embedding / before.parameters
    text = (
        f"{after.vocabulary:,} of {before.vocabulary:,} vocabulary entries are kept, which removes"
        f" {saved * 100:.0f} % of the parameters; the model {_LOOKED_UP}."
    )
    return Effect(True, False, text)
