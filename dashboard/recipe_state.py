"""A recipe as the values of a form, and back. Pure: the widgets are `recipe_form.py`'s.

The form is a view of the recipe language for what people slide; what it cannot hold (two distillations, a seed)
stays in YAML files.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

from compression.errors import RecipeError
from compression.recipe import Distill, PruneStructure, PruneWeights, Quantize, Recipe
from compression.recipe_file import parse_recipe

State = dict[str, Any]

STRUCTURES = ("heads", "ffn", "layers")
"""In the order in which the form's stages run, before single weights are pruned."""
TARGETS = ("weights", *STRUCTURES)

DEFAULTS: State = {
    "distil": False,
    "layers": 3,
    "epochs": 6.0,
    "temperature": 2.0,
    "soft_weight": 0.7,
    "prune": False,
    "targets": ["weights"],
    "sparsity": 50,
    "pattern": "unstructured",
    "rank": "layer",
    "steps": 1,
    "heads": 25,
    "ffn": 50,
    "drop_layers": 35,
    "retrain": 0.0,
    "quantize": True,
    "scheme": "int8-dynamic",
    "bits": 4.0,
    "group_size": 32,
    "rounding": "rtn",
    "allocation": "error",
    "max_mb": None,
    "embedding_bits": 8,
    "head_bits": 8,
    "calibration_examples": 128,
}
"""Where the form starts: int8, the first thing to try on any CPU. Shares are in per cent."""


def to_recipe(state: Mapping[str, Any]) -> Recipe:
    """The recipe that the form says; raises `RecipeError` in one sentence.

    >>> to_recipe(DEFAULTS).in_words()
    'int8 dynamic'
    >>> to_recipe(DEFAULTS | {"prune": True, "targets": ["ffn", "weights"], "retrain": 1.0}).in_words()
    'ffn -50 % → magnitude 50 % + 1 epoch → int8 dynamic'
    """
    stages: list[State] = []
    if state["distil"]:
        stages.append({"kind": "distill", **{key: state[key] for key in ("layers", "epochs", "temperature", "soft_weight")}})
    if state["prune"]:
        stages += _pruning(state)
    if state["quantize"]:
        stages.append(_quantizing(state))
    return parse_recipe({"stages": stages}, where="In this recipe")


def _pruning(state: Mapping[str, Any]) -> list[State]:
    """Structure first, then single weights of what is left; training to win back accuracy comes once, at the end."""
    ratios = {"heads": state["heads"], "ffn": state["ffn"], "layers": state["drop_layers"]}
    stages: list[State] = [
        {"kind": "prune-structure", "target": target, "ratio": ratios[target] / 100} for target in STRUCTURES if target in state["targets"]
    ]
    if "weights" in state["targets"]:
        zeros: State = {"kind": "prune-weights", "pattern": state["pattern"], "steps": state["steps"]}
        if state["pattern"] == "unstructured":
            zeros |= {"sparsity": state["sparsity"] / 100, "scope": state["rank"]}
        stages.append(zeros)
    if stages and state["retrain"]:
        stages[-1]["retrain_epochs"] = state["retrain"]
    return stages


def _quantizing(state: Mapping[str, Any]) -> State:
    stage: State = {"kind": "quantize", "scheme": state["scheme"], "embedding_bits": state["embedding_bits"]}
    if state["scheme"] == "weight-only":
        stage |= {key: state[key] for key in ("bits", "group_size", "rounding", "head_bits", "allocation")}
        if state["max_mb"]:
            chosen = ("bits", "embedding_bits", "head_bits")
            stage = {key: value for key, value in stage.items() if key not in chosen} | {"max_mb": state["max_mb"]}
    if state["scheme"] == "int8-static":
        stage["calibration_examples"] = state["calibration_examples"]
    return stage


def to_state(recipe: Recipe) -> State:
    """The form that says `recipe`; raises `RecipeError` when the form cannot say all of it.

    >>> to_recipe(to_state(parse_recipe({"stages": [{"kind": "prune-weights", "pattern": "2:4"}]}))).in_words()
    'magnitude 2:4'
    """
    state: State = {**DEFAULTS, "distil": False, "prune": False, "targets": [], "quantize": False}
    for stage in recipe.stages:
        if isinstance(stage, Distill):
            state |= {"distil": True, **stage.model_dump(include={"layers", "epochs", "temperature", "soft_weight"})}
        elif isinstance(stage, PruneStructure):
            share = {"layers": "drop_layers"}.get(stage.target, stage.target)
            state |= {
                "prune": True,
                "targets": [*state["targets"], stage.target],
                share: round(stage.ratio * 100, 6),
                "retrain": stage.retrain_epochs,
            }
        elif isinstance(stage, PruneWeights):
            state |= {"prune": True, "targets": [*state["targets"], "weights"], "sparsity": round(stage.target_sparsity * 100, 6)}
            state |= {"pattern": stage.pattern, "rank": stage.scope, "steps": stage.steps, "retrain": stage.retrain_epochs}
        elif isinstance(stage, Quantize):
            fields = {"scheme", "group_size", "rounding", "allocation", "max_mb", "embedding_bits", "head_bits", "calibration_examples"}
            state |= {"quantize": True, **stage.model_dump(include=fields)}
            state |= {"bits": stage.bits} if stage.scheme == "weight-only" and stage.max_mb is None else {}
    state["targets"] = state["targets"] or ["weights"]
    if to_recipe(state).id != recipe.id:
        raise RecipeError(f'The form cannot show all of "{recipe.in_words()}"; run its file with `paretoscope run MODEL --recipe FILE`.')
    return state


def sweep(state: Mapping[str, Any], sparsities: Sequence[int], bits: Sequence[float]) -> list[Recipe]:
    """The form's recipe at every sparsity (per cent of single weights, 0: none) and every bit width (32: not quantized), each once.

    >>> [recipe.in_words() for recipe in sweep(DEFAULTS, [0, 50], [8, 4])]
    ['int8 dynamic', 'weights 4 bit', 'magnitude 50 % → int8 dynamic', 'magnitude 50 % → weights 4 bit']
    """
    recipes: list[Recipe] = []
    for sparsity, width in itertools.product(sparsities, bits):
        targets = [target for target in state["targets"] if target != "weights" and state["prune"]] + (["weights"] if sparsity else [])
        zeros = {"prune": bool(targets), "targets": targets, "sparsity": sparsity, "pattern": "unstructured"}
        eight = state["scheme"] if state["scheme"] != "weight-only" else "int8-dynamic"
        rounded = {"quantize": width < 32, "scheme": eight if width == 8 else "weight-only", "bits": width, "max_mb": None}
        recipes.append(to_recipe({**state, **zeros, **rounded}))
    return list({recipe.id: recipe for recipe in recipes}.values())
