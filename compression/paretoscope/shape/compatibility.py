"""Whether a recipe can be applied to a model, decided before any work starts.

Page, command line and engine all ask here. Only the model's config and the headers of its weights
are read. What a recipe leaves of a model is in `shape/apply_recipe.py`.
"""

from __future__ import annotations

from collections.abc import Mapping

from paretoscope.errors import ModelError, RecipeError
from paretoscope.families.encoders import ENCODERS, encoder_family
from paretoscope.families.family import ArchitectureName
from paretoscope.families.traced import TRACED
from paretoscope.recipes.recipe import Recipe
from paretoscope.recipes.stages import (
    Distill,
    PruneStructure,
    PruneWeights,
    Quantize,
    Reference,
    Stage,
)
from paretoscope.recipes.stages.methods import STRUCTURE_CRITERIA, WEIGHT_SCORES, Method
from paretoscope.shape.apply_recipe import apply_recipe
from paretoscope.shape.config import family_of
from paretoscope.shape.read import read_shape
from paretoscope.sources.ref import ModelRef

DECODER_TARGETS = ("layers", "ffn", "heads")
"""Targets of structural pruning for language models."""
_LABELLED = ("gradients", "training")
"""Data that only classifiers have here: gradients of a loss on labels, and weight movement."""
_KINDS = {"decoder": "a language model", "classifier": "a classifier"}


def check_fit(model: ModelRef, recipe: Recipe) -> None:
    """Check that `recipe` can be applied to `model`; reads no more than the headers of its weights.

    Raises:
        ModelError: the model cannot be read, or its family has no structural pruning.
        RecipeError: a stage is not for this architecture, or does not fit the model's shape.
    """
    for number, stage in enumerate(recipe.stages, start=1):
        reason = incompatibility(stage, model.architecture)
        if reason:
            raise RecipeError(
                f'Stage {number} ({stage.in_words()}) cannot be applied to "{model.name}",'
                f" {_KINDS[model.architecture]}: {reason}."
            )
    if model.architecture == "classifier":
        _check_classifier(model, recipe)
    budgeted = any(isinstance(each, Quantize) and each.max_mb is not None for each in recipe.stages)
    cut = any(isinstance(stage, Distill | PruneStructure) for stage in recipe.stages)
    parted = any(isinstance(stage, Quantize) and stage.parts for stage in recipe.stages)
    if not budgeted and not cut and not parted:
        return
    try:
        shape = read_shape(model)
    except ModelError:  # the shape is not known in advance: errors appear when the recipe is run
        return
    applied = apply_recipe(shape, recipe)
    if budgeted or parted:
        _ = applied.size


def _check_classifier(model: ModelRef, recipe: Recipe) -> None:
    """Check that the family of a classifier has what the stages need."""
    stages = [
        stage for stage in recipe.stages if not isinstance(stage, Quantize) or stage.train_epochs
    ]
    if not stages:
        return
    family = family_of(model)
    row = TRACED.get(family)
    for stage in stages:
        match stage:
            case Distill() | PruneStructure():
                encoder_family(family)
            case Quantize() if family not in ENCODERS:
                raise ModelError(
                    f'Quantization-aware training does not support the model family "{family}",'
                    f" only {', '.join(ENCODERS)}; set train_epochs to 0."
                )
            case PruneWeights() if row is not None and not row.prunable:
                raise ModelError(
                    f'Single weights of the model family "{family}" cannot be pruned, because its'
                    " layers have no linear modules; quantize instead."
                )
            case _:
                pass


def suits(model: ModelRef, stage: Stage) -> bool:
    """Whether a single stage can be applied to a model."""
    try:
        check_fit(model, Recipe.model_validate({"stages": [stage.canonical()]}))
    except (ModelError, RecipeError):
        return False
    return True


def incompatibility(stage: Stage, architecture: ArchitectureName) -> str | None:
    """Why a stage cannot be applied to an architecture and what to change; None if it can.

    The reason is the end of a sentence, without a full stop.

    >>> incompatibility(PruneStructure(target="ffn"), "decoder") is None
    True
    >>> incompatibility(PruneWeights(method="taylor"), "decoder")  # doctest: +ELLIPSIS
    'taylor scores weights by gradients of a loss on labels; set method to one of magnitude, ...'
    """
    if architecture == "classifier":
        cached = isinstance(stage, Quantize) and stage.cache_bits != 32
        return "it has no key-value cache; remove cache_bits" if cached else None
    if getattr(stage, "unlabelled", False):
        return "it trains only on the texts of its task, which need no labels; remove unlabelled"
    match stage:
        case Quantize(train_epochs=epochs) if epochs:
            return "quantization-aware training is only for classifiers; set train_epochs to 0"
        case PruneWeights():
            return _weights_reason(stage)
        case PruneStructure():
            return _structure_reason(stage)
        case Distill():
            return _student_reason(stage)
        case Reference():
            return "reference points are classifiers, fitted on labels; remove the stage"
        case _:
            return None


def decoder_methods(table: Mapping[str, Method]) -> tuple[str, ...]:
    """Names of the rows of `WEIGHT_SCORES` or `STRUCTURE_CRITERIA` that apply to language models.

    >>> decoder_methods(WEIGHT_SCORES)[:3], decoder_methods(STRUCTURE_CRITERIA)[:2]
    (('magnitude', 'wanda', 'sparsegpt'), ('magnitude', 'activation'))
    """
    return tuple(
        name
        for name, row in table.items()
        if getattr(row, "needs", None) not in _LABELLED and not getattr(row, "one_scale", False)
    )


def _weights_reason(stage: PruneWeights) -> str | None:
    reasons = {
        "gradients": "gradients of a loss on labels",
        "training": "their movement in training, but language models are trained with LoRA",
    }
    what = reasons.get(WEIGHT_SCORES[stage.method].needs)
    if what is None:
        return None
    methods = ", ".join(decoder_methods(WEIGHT_SCORES))
    return f"{stage.method} scores weights by {what}; set method to one of {methods}"


def _structure_reason(stage: PruneStructure) -> str | None:
    targets = f"set target to one of {', '.join(DECODER_TARGETS)}"
    if stage.target == "hidden":
        return f"its hidden width is also that of its embedding and output head; {targets}"
    if stage.target == "vocabulary":
        return f"with fewer tokens its outputs are not comparable with the original's; {targets}"
    if reason := _criterion_reason(stage.criterion):
        return reason
    if stage.target == "heads" and stage.allocation == "global":
        return (
            "onnxruntime-genai needs the same number of key heads in all layers; set allocation to"
            " uniform"
        )
    return None


def _criterion_reason(criterion: str) -> str | None:
    usable = decoder_methods(STRUCTURE_CRITERIA)
    if criterion in usable:
        return None
    return (
        f"{criterion} scores units by gradients of a loss on labels; set criterion to one of"
        f" {', '.join(usable)}"
    )


def _student_reason(stage: Distill) -> str | None:
    options = ("hidden_weight", "attention_weight", "augment")
    if used := [name for name in options if getattr(stage, name)]:
        return f"its students train only on the teacher's logits; remove {' and '.join(used)}"
    return _criterion_reason(stage.criterion) if stage.cuts() else None
