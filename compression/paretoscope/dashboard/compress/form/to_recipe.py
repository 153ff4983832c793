"""The recipe that the values of the form describe, and a grid of variants of it."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

from paretoscope.dashboard.compress.form.slots import AVERAGE, PERCENT, RETRAINING, SLOTS, State
from paretoscope.recipes.file import parse_recipe
from paretoscope.recipes.recipe import Recipe
from paretoscope.recipes.stages.methods import ROUNDINGS, WEIGHT_SCORES


def to_recipe(state: Mapping[str, Any]) -> Recipe:
    """The recipe of the form; raises `RecipeError`.

    >>> from paretoscope.dashboard.compress.form.slots import DEFAULTS
    >>> to_recipe(DEFAULTS).in_words()
    'int8 dynamic'
    >>> pruned = {"on_ffn": True, "on_weights": True, "weights_retrain_epochs": 1.0}
    >>> to_recipe(DEFAULTS | pruned).in_words()
    'ffn -50 % → magnitude 50 % + 1 epoch → int8 dynamic'
    """
    stages = [stage_of(state, name) for name in state["order"] if is_on(state, name)]
    content: State = {"stages": [stage for stage in stages if stage], "seed": state["seed"]}
    if state["recover"] and content["stages"]:
        content["recover"] = {"max_drop": state["recover"], "epochs": state["recover_epochs"]}
    return parse_recipe(content, where="In this recipe")


def is_on(state: Mapping[str, Any], name: str) -> bool:
    """Whether the recipe has a stage of this slot."""
    if name == "quantize":
        return state["quantize_choice"] != "32"
    return bool(state[f"on_{name}"])


def stage_of(state: Mapping[str, Any], name: str) -> State:
    """The fields of a slot's stage; none if it would change nothing."""
    slot = SLOTS[name]
    values = {field: state[f"{name}_{field}"] for field in slot.fields}
    values |= {field: values[field] / 100 for field in PERCENT if field in values}
    match name:
        case "student":
            fields = values
        case "weights":
            fields = _weights(values)
        case "quantize":
            fields = _quantization(state, values)
        case _:
            fields = {"target": name, **_retrained(values)} if values["ratio"] else {}
    return {"kind": slot.stage.model_fields["kind"].default, **fields} if fields else {}


def _retrained(values: State) -> State:
    """Without the settings of a training that does not happen."""
    if not values["retrain_epochs"]:
        return {key: value for key, value in values.items() if key not in RETRAINING}
    if not values["distill_weight"]:
        return {k: v for k, v in values.items() if k not in ("unlabelled", "temperature")}
    return values


def _weights(values: State) -> State:
    if values["pattern"] != "unstructured":
        return _retrained({k: v for k, v in values.items() if k not in ("sparsity", "scope")})
    if not values["sparsity"]:
        return {}
    updates = WEIGHT_SCORES[values["method"]].updates
    return _retrained({**values, "scope": "layer" if updates else values["scope"]})


def scheme(state: Mapping[str, Any]) -> str:
    """The quantization scheme: below 8 bits, and for language models, only weights."""
    eight = state["quantize_choice"] == "8" and not state["decoder"]
    return state["quantize_scheme"] if eight else "weight-only"


def size_limit(state: Mapping[str, Any]) -> float | None:
    """The size in MB that bit widths follow from, if any."""
    return state["quantize_max_mb"] if state["quantize_choice"] == AVERAGE else None


def _quantization(state: Mapping[str, Any], values: State) -> State:
    chosen, trains = scheme(state), values["train_epochs"] > 0
    used = ["embedding_bits"]
    used += ["cache_bits"] if state["decoder"] else []
    used += ["train_epochs", "distill_weight", "learning_rate"] if trains else []
    if chosen == "weight-only":
        return _weight_only(state, values, used)
    smooths = values["smooth"] > 0 and not trains
    used += ["head_bits"] if values["head_bits"] in (8, 32) else []
    used += ["calibration"] if chosen == "int8-static" else []
    used += ["smooth"] if smooths else []
    used += ["calibration_examples"] if chosen == "int8-static" or smooths else []
    return {"scheme": chosen, **{name: values[name] for name in used}}


def _weight_only(state: Mapping[str, Any], values: State, used: Sequence[str]) -> State:
    """The stage with bit widths, groups and zero points."""
    names = [*used, "head_bits", "group_size", "rounding", "allocation"]
    average = state["quantize_choice"] == AVERAGE
    bits = state["quantize_average"] if average else float(state["quantize_choice"])
    limit = size_limit(state)
    if ROUNDINGS[values["rounding"]].needs_data or values["allocation"] == "sensitivity":
        names.append("calibration_examples")
    # 8 bits are symmetric, and training supports only integer zero points.
    fewer = limit is not None or bits < 8 or values["head_bits"] < 8
    if fewer and not values["train_epochs"]:
        names += [] if prunes_weights(state) else ["zero_point"]
        names += ["frequent_words"] if state["decoder"] and allows_frequent_tokens(state) else []
    stage = {"scheme": "weight-only", **{name: values[name] for name in names}}
    if limit is None:
        return {**stage, "bits": bits}
    replaced = ("embedding_bits", "head_bits")
    return {"max_mb": limit, **{k: v for k, v in stage.items() if k not in replaced}}


def prunes_weights(state: Mapping[str, Any]) -> bool:
    """Whether single weights are pruned; their zeros need an exact quantization level."""
    sparse = state["weights_sparsity"] or state["weights_pattern"] != "unstructured"
    return bool(state["on_weights"] and sparse)


def allows_frequent_tokens(state: Mapping[str, Any]) -> bool:
    """Whether the most frequent tokens may keep 8 bits.

    Embedding and output head, which may be one table, must have fewer bits.
    """
    narrow = state["quantize_embedding_bits"] in (2, 4) and state["quantize_head_bits"] in (2, 4)
    return narrow and size_limit(state) is None


def sweep(state: Mapping[str, Any], sparsities: Sequence[int], bits: Sequence[str]) -> list[Recipe]:
    """The form's recipe at each sparsity and bit width, without duplicates.

    Sparsity is in per cent of single weights; 32 bits are not quantized.

    >>> from paretoscope.dashboard.compress.form.slots import DEFAULTS
    >>> [recipe.in_words() for recipe in sweep(DEFAULTS, [0, 50], ["8"])]
    ['int8 dynamic', 'magnitude 50 % → int8 dynamic']
    """
    recipes: dict[str, Recipe] = {}
    for sparsity, width in itertools.product(sparsities, bits):
        sparse = {"on_weights": sparsity > 0, "weights_sparsity": float(sparsity)}
        changed = {**state, **sparse, "weights_pattern": "unstructured", "quantize_choice": width}
        recipe = to_recipe(changed)
        recipes[recipe.id] = recipe
    return list(recipes.values())
