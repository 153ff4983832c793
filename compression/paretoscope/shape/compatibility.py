"""Does this stage suit this model? Answered in one plain sentence before any work starts, from the
model's config and headers alone.

It is the one place where that is decided: page, command line and engine ask here. What a fitting
stage leaves is `shape/encoder.py`'s.
"""

from __future__ import annotations

from collections.abc import Mapping

from paretoscope.errors import ModelError, RecipeError
from paretoscope.families.encoders import encoder_family
from paretoscope.families.family import Architecture
from paretoscope.recipes.recipe import Recipe
from paretoscope.recipes.stages import Distill, PruneStructure, PruneWeights, Quantize, Stage
from paretoscope.recipes.stages.methods import STRUCTURE_CRITERIA, WEIGHT_SCORES, Method
from paretoscope.shape.apply_recipe import after
from paretoscope.shape.bytes import expected_bytes
from paretoscope.shape.config import family_of
from paretoscope.shape.decoder import decoder_shape
from paretoscope.shape.read import read_shape
from paretoscope.sources.ref import ModelRef

DECODER_TARGETS = ("layers", "ffn", "heads")
"""What structural pruning can take out of a language model."""
_LABELLED = ("gradients", "training")
"""What a method may look at that only a classifier has here: gradients of a loss on labels, and the
training of single weights.
"""


def check_fit(model: ModelRef, recipe: Recipe) -> None:
    """Raise `ModelError` or `RecipeError` when `recipe` can never work on `model`; costs a look at
    its headers at most.
    """
    for place, stage in enumerate(recipe.stages, start=1):
        reason = unsuited(stage, model.architecture)
        if reason:
            kind = "a language model" if model.architecture == "decoder" else "a classifier"
            raise RecipeError(
                f'Stage {place} ({stage.in_words()}) does not suit "{model.name}", {kind}:'
                f" {reason}."
            )
    budgeted = any(
        isinstance(stage, Quantize) and stage.max_mb is not None for stage in recipe.stages
    )
    cut = any(isinstance(stage, Distill | PruneStructure) for stage in recipe.stages)
    if not budgeted and not cut:
        return
    if cut and model.architecture == "classifier":
        encoder_family(family_of(model))
    try:
        shape = decoder_shape(model) if model.architecture == "decoder" else read_shape(model)
    except ModelError:  # not known beforehand: the run will tell
        return
    after(shape, recipe)
    if budgeted:
        expected_bytes(shape, recipe)


def suits(model: ModelRef, stage: Stage) -> bool:
    """Whether a stage alone can be carried out on a model."""
    try:
        check_fit(model, Recipe.model_validate({"stages": [stage.canonical()]}))
    except (ModelError, RecipeError):
        return False
    return True


def unsuited(stage: Stage, architecture: Architecture) -> str | None:
    """Why a stage does not suit any model of an architecture, with the way out; None when it does.
    No full stop, no capital.

    >>> unsuited(PruneStructure(target="ffn"), "decoder") is None
    True
    >>> unsuited(PruneWeights(method="taylor"), "decoder")
    'taylor ranks weights by gradients of a loss on labels; set method to one of magnitude, wanda, sparsegpt'
    """
    if architecture == "classifier":
        return (
            "it keeps no key-value cache; leave cache_bits out"
            if isinstance(stage, Quantize) and stage.cache_bits != 32
            else None
        )
    if getattr(stage, "unlabelled", False):
        return (
            "its training texts need no labels, and it learns from no others; leave unlabelled out"
        )
    if isinstance(stage, Quantize):
        return (
            "training while rounding is for classifiers; set train_epochs to 0"
            if stage.train_epochs
            else None
        )
    if isinstance(stage, PruneWeights):
        return _unsuited_weights(stage)
    if isinstance(stage, PruneStructure):
        return _unsuited_structure(stage)
    return _unsuited_student(stage) if isinstance(stage, Distill) else None


def decoder_methods(table: Mapping[str, Method]) -> tuple[str, ...]:
    """Those rows of `WEIGHT_SCORES` or `STRUCTURE_CRITERIA` that a language model takes.

    >>> decoder_methods(WEIGHT_SCORES), decoder_methods(STRUCTURE_CRITERIA)
    (('magnitude', 'wanda', 'sparsegpt'), ('magnitude', 'activation'))
    """
    return tuple(
        name
        for name, row in table.items()
        if getattr(row, "needs", None) not in _LABELLED and not getattr(row, "one_scale", False)
    )


def _unsuited_weights(stage: PruneWeights) -> str | None:
    match WEIGHT_SCORES[stage.method].needs:
        case "gradients":
            what = "gradients of a loss on labels"
        case "training":
            what = (
                "how training moves each of them, and a language model is retrained by low-rank"
                " parts"
            )
        case _:
            return None
    return (
        f"{stage.method} ranks weights by {what}; set method to one of"
        f" {', '.join(decoder_methods(WEIGHT_SCORES))}"
    )


def _unsuited_structure(stage: PruneStructure) -> str | None:
    targets = f"set target to one of {', '.join(DECODER_TARGETS)}"
    if stage.target == "hidden":
        return (
            "its hidden width is also that of the word embedding that it writes with, and is cut"
            f" in classifiers alone; {targets}"
        )
    if stage.target == "vocabulary":
        return (
            f"with fewer words its answers could not be compared token by token any more; {targets}"
        )
    return _unsuited_criterion(stage.criterion) or (
        "onnxruntime-genai knows one number of key heads for all layers; set allocation to uniform"
        if stage.target == "heads" and stage.allocation == "global"
        else None
    )


def _unsuited_criterion(criterion: str) -> str | None:
    if criterion in decoder_methods(STRUCTURE_CRITERIA):
        return None
    return (
        f"{criterion} ranks parts by gradients of a loss on labels; set criterion to one of"
        f" {', '.join(decoder_methods(STRUCTURE_CRITERIA))}"
    )


def _unsuited_student(stage: Distill) -> str | None:
    given = [
        name for name in ("hidden_weight", "attention_weight", "augment") if getattr(stage, name)
    ]
    if given:
        return (
            f"its students learn from the teacher's outputs alone; leave out {' and '.join(given)}"
        )
    return _unsuited_criterion(stage.criterion) if stage.cuts() else None
