"""The values of the form for a recipe, and what a language model changes in them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from paretoscope.dashboard.compress.form.slots import (
    AVERAGE,
    CHOICES,
    FRACTIONS,
    PERCENT,
    SLOTS,
    State,
    ordered,
    slot_of,
    starts,
)
from paretoscope.dashboard.compress.form.to_recipe import to_recipe
from paretoscope.errors import RecipeError
from paretoscope.recipes.recipe import Recipe
from paretoscope.recipes.stages import Quantize
from paretoscope.recipes.stages.methods import STRUCTURE_CRITERIA, WEIGHT_SCORES
from paretoscope.recipes.stages.stage import Stage
from paretoscope.shape.compatibility import DECODER_TARGETS, decoder_methods

LARGEST_SHARE = 99.0
"""Per cent that a slider reaches."""


def from_recipe(recipe: Recipe, *, decoder: bool = False) -> State:
    """The form's values; raises `RecipeError` when it has no control for a part of the recipe.

    >>> from paretoscope.recipes.file import parse_recipe
    >>> recipe = parse_recipe({"stages": [{"kind": "prune-weights", "pattern": "2:4"}]})
    >>> to_recipe(from_recipe(recipe)) == recipe
    True
    """
    names = [slot_of(stage) for stage in recipe.stages]
    if len(set(names)) < len(names):
        raise RecipeError(
            f'"{recipe.in_words()}" has two stages of one kind, and the form has one of each; run'
            " its file with `paretoscope run MODEL --recipe FILE`."
        )
    state: State = {**starts(decoder=decoder), "order": ordered(names), "quantize_choice": "32"}
    state |= {f"on_{name}": name in names for name in SLOTS} | {"seed": recipe.seed}
    for name, stage in zip(names, recipe.stages, strict=True):
        state |= _values(name, stage)
    if recipe.recover:
        state |= {"recover": recipe.recover.max_drop, "recover_epochs": recipe.recover.epochs}
    shares: list[float] = [value for key, value in state.items() if key.endswith(PERCENT)]
    if to_recipe(state).id != recipe.id or max(shares) > LARGEST_SHARE:
        raise RecipeError(
            f'The form has no control for a part of "{recipe.in_words()}"; run its file with'
            " `paretoscope run MODEL --recipe FILE`."
        )
    return state


def _values(name: str, stage: Stage) -> State:
    """What one stage changes in the form."""
    content = stage.model_dump()
    state: State = {f"{name}_{field}": content[field] for field in SLOTS[name].fields}
    for field in PERCENT:
        if field in SLOTS[name].fields:
            state[f"{name}_{field}"] = _per_cent(content[field])
    for field in FRACTIONS:
        if field in SLOTS[name].fields:
            state[f"{name}_{field}"] = float(content[field])
    if isinstance(stage, Quantize):
        state |= _width(stage)
    return state


def _per_cent(share: float) -> float:
    """The share in per cent, with which `to_recipe` gives the share again.

    >>> _per_cent(0.29), _per_cent(0.3333)
    (29.0, 33.33)
    """
    rounded = round(share * 100.0, 6)
    return rounded if rounded / 100 == share else share * 100.0


def _width(stage: Quantize) -> State:
    choice = f"{stage.bits:g}"
    if stage.max_mb is not None:
        choice = AVERAGE
    if choice in CHOICES:
        return {"quantize_choice": choice}
    return {"quantize_choice": AVERAGE, "quantize_average": float(stage.bits)}


def for_decoder(state: Mapping[str, Any]) -> State:
    """The state with everything replaced that a language model does not support.

    What is supported is decided in `shape/compatibility.py`.

    >>> from paretoscope.dashboard.compress.form.slots import DEFAULTS
    >>> state = for_decoder(DEFAULTS | {"on_vocabulary": True, "weights_method": "taylor"})
    >>> state["on_vocabulary"], state["weights_method"]
    (False, 'magnitude')
    """
    methods, criteria = decoder_methods(WEIGHT_SCORES), decoder_methods(STRUCTURE_CRITERIA)
    changed: State = {"decoder": True, "quantize_train_epochs": 0.0, "quantize_smooth": 0.0}
    changed |= {"heads_allocation": "uniform", "recover_epochs": 0.0}
    changed |= {f"student_{loss}_weight": 0.0 for loss in ("hidden", "attention")}
    changed |= {"student_augment": 0}
    for slot in SLOTS.values():
        if slot.target not in (None, *DECODER_TARGETS):
            changed[f"on_{slot.name}"] = False
        if "unlabelled" in slot.fields:
            changed[f"{slot.name}_unlabelled"] = False
        if state.get(f"{slot.name}_criterion", criteria[0]) not in criteria:
            changed[f"{slot.name}_criterion"] = criteria[0]
    if state["weights_method"] not in methods:
        changed["weights_method"] = methods[0]
    return {**state, **changed}
