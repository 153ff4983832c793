"""The values of the form for a recipe.

The form covers what has a control; two distillations or a seed need a YAML file.
"""

from __future__ import annotations

from paretoscope.dashboard.compress.form.state import DEFAULTS, SHARES, STUDENT, State
from paretoscope.dashboard.compress.form.to_recipe import to_recipe
from paretoscope.errors import RecipeError
from paretoscope.recipes.recipe import Recipe
from paretoscope.recipes.stages import Distill, PruneStructure, PruneWeights, Quantize
from paretoscope.recipes.stages.stage import Stage

QUANTIZE = {
    "scheme",
    "group_size",
    "rounding",
    "zero_point",
    "frequent_words",
    "max_mb",
    "embedding_bits",
    "head_bits",
    "cache_bits",
    "calibration",
    "calibration_examples",
    "smooth",
    "train_epochs",
    "distill_weight",
}
"""Fields of a quantization stage that the form has under the same name."""


def from_recipe(recipe: Recipe) -> State:
    """The form's values; raises `RecipeError` when it has no control for a part of the recipe.

    >>> from paretoscope.recipes.file import parse_recipe
    >>> recipe = parse_recipe({"stages": [{"kind": "prune-weights", "pattern": "2:4"}]})
    >>> to_recipe(from_recipe(recipe)) == recipe
    True
    """
    off: State = {"distil": False, "prune": False, "targets": [], "quantize": False}
    state: State = {**DEFAULTS, **off, "decoder": _needs_decoder(recipe)}
    for stage in recipe.stages:
        state |= _values(stage, state["targets"])
    if recipe.recover:
        state |= {"recover": recipe.recover.max_drop, "recover_epochs": recipe.recover.epochs}
    state["targets"] = state["targets"] or DEFAULTS["targets"]
    if to_recipe(state).id != recipe.id:
        raise RecipeError(
            f'The form has no control for a part of "{recipe.in_words()}"; run its file with'
            " `paretoscope run MODEL --recipe FILE`."
        )
    return state


def _needs_decoder(recipe: Recipe) -> bool:
    """Whether a stage has a setting that only language models have."""
    return any(
        isinstance(stage, Quantize) and (stage.cache_bits != 32 or stage.frequent_words)
        for stage in recipe.stages
    )


def _values(stage: Stage, targets: list[str]) -> State:
    """What one stage changes in the form; `targets` are those of earlier stages."""
    if isinstance(stage, Distill):
        return {
            "distil": True,
            **stage.model_dump(include=set(STUDENT)),
            "student_heads": _per_cent(stage.head_ratio),
            "student_ffn": _per_cent(stage.ffn_ratio),
        }
    if isinstance(stage, PruneStructure):
        return {"targets": [*targets, stage.target], **_structure(stage), **_retraining(stage)}
    if isinstance(stage, PruneWeights):
        return {"targets": [*targets, "weights"], **_weights(stage), **_retraining(stage)}
    if isinstance(stage, Quantize):
        state = {"quantize": True, "widths": stage.allocation, **stage.model_dump(include=QUANTIZE)}
        has_bits = stage.scheme == "weight-only" and stage.max_mb is None
        return state | ({"bits": stage.bits} if has_bits else {})
    return {}


def _structure(stage: PruneStructure) -> State:
    state: State = {SHARES.get(stage.target, stage.target): _per_cent(stage.ratio)}
    if stage.target != "vocabulary":
        state["criterion"] = stage.criterion
    if stage.target in ("heads", "ffn"):
        state["allocation"] = stage.allocation
    return state


def _weights(stage: PruneWeights) -> State:
    return {
        "sparsity": _per_cent(stage.target_sparsity),
        "method": stage.method,
        "pattern": stage.pattern,
        "rank": stage.scope,
        "steps": stage.steps,
    }


def _retraining(stage: PruneStructure | PruneWeights) -> State:
    return {
        "prune": True,
        "retrain": stage.retrain_epochs,
        "teach": stage.distill_weight,
        "teach_unlabelled": stage.unlabelled,
    }


def _per_cent(share: float) -> float:
    return round(share * 100, 6)
