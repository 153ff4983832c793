"""The recipe that the values of the form describe, and a grid of variants of it."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

from paretoscope.dashboard.compress.form.state import (
    SHARES,
    STRUCTURES,
    STUDENT,
    State,
    allows_frequent_tokens,
    prunes_weights,
)
from paretoscope.recipes.file import parse_recipe
from paretoscope.recipes.recipe import Recipe
from paretoscope.recipes.stages.methods import WEIGHT_SCORES


def to_recipe(state: Mapping[str, Any]) -> Recipe:
    """The recipe of the form; raises `RecipeError`.

    >>> from paretoscope.dashboard.compress.form.state import DEFAULTS
    >>> to_recipe(DEFAULTS).in_words()
    'int8 dynamic'
    >>> pruned = {"prune": True, "targets": ["ffn", "weights"], "retrain": 1.0}
    >>> to_recipe(DEFAULTS | pruned).in_words()
    'ffn -50 % → magnitude 50 % + 1 epoch → int8 dynamic'
    """
    stages: list[State] = []
    if state["distil"]:
        stages.append(_distillation(state))
    if state["prune"]:
        stages += _pruning(state)
    if state["quantize"]:
        stages.append(_quantization(state))
    content: State = {"stages": stages}
    if state["recover"] and stages:
        content["recover"] = {"max_drop": state["recover"], "epochs": state["recover_epochs"]}
    return parse_recipe(content, where="In this recipe")


def _distillation(state: Mapping[str, Any]) -> State:
    return {
        "kind": "distill",
        **{key: state[key] for key in STUDENT},
        "head_ratio": state["student_heads"] / 100,
        "ffn_ratio": state["student_ffn"] / 100,
    }


def _pruning(state: Mapping[str, Any]) -> list[State]:
    """Structured pruning, then single weights; retraining follows the last stage.

    A share of 0 % is no stage.
    """
    stages = [
        _structure(state, target)
        for target in STRUCTURES
        if target in state["targets"] and state[SHARES.get(target, target)]
    ]
    if prunes_weights(state):
        stages.append(_weights(state))
    if stages and state["retrain"]:
        stages[-1] |= {"retrain_epochs": state["retrain"], "distill_weight": state["teach"]}
        stages[-1] |= {"unlabelled": bool(state["teach"] and state["teach_unlabelled"])}
    return stages


def _structure(state: Mapping[str, Any], target: str) -> State:
    share = state[SHARES.get(target, target)] / 100
    stage: State = {"kind": "prune-structure", "target": target, "ratio": share}
    if target != "vocabulary":
        stage["criterion"] = state["criterion"]
    if target in ("heads", "ffn"):
        stage["allocation"] = state["allocation"]
    return stage


def _weights(state: Mapping[str, Any]) -> State:
    stage: State = {"kind": "prune-weights", **_chosen(state, "method", "pattern", "steps")}
    if state["pattern"] == "unstructured":
        updates = WEIGHT_SCORES[state["method"]].updates
        stage["sparsity"] = state["sparsity"] / 100
        stage["scope"] = "layer" if updates else state["rank"]
    return stage


def _quantization(state: Mapping[str, Any]) -> State:
    stage: State = {"kind": "quantize", **_chosen(state, "scheme", "embedding_bits")}
    if state["decoder"] and state["cache_bits"] != 32:
        stage["cache_bits"] = state["cache_bits"]
    if state["scheme"] == "weight-only":
        stage = _weight_only(state, stage)
    if state["scheme"] == "int8-static":
        stage |= _chosen(state, "calibration", "calibration_examples")
    if state["train_epochs"]:
        stage |= _chosen(state, "train_epochs", "distill_weight")
    elif state["scheme"] != "weight-only" and state["smooth"]:
        stage |= _chosen(state, "smooth", "calibration_examples")
    return stage


def _weight_only(state: Mapping[str, Any], stage: State) -> State:
    """The stage with bit widths, groups and zero points."""
    stage = stage | _chosen(state, "bits", "group_size", "rounding", "head_bits")
    stage["allocation"] = state["widths"]
    if not state["train_epochs"]:
        fixed = prunes_weights(state) or not _has_zero_point(state)
        stage["zero_point"] = "integer" if fixed else state["zero_point"]
        if state["decoder"] and state["frequent_words"] and allows_frequent_tokens(state):
            stage["frequent_words"] = state["frequent_words"]
    if state["max_mb"]:
        for replaced in ("bits", "embedding_bits", "head_bits"):
            del stage[replaced]
        stage["max_mb"] = state["max_mb"]
    return stage


def _has_zero_point(state: Mapping[str, Any]) -> bool:
    """Whether any matrix has fewer than 8 bits: 8 bits are symmetric."""
    return bool(state["max_mb"]) or state["bits"] < 8 or state["head_bits"] < 8


def _chosen(state: Mapping[str, Any], *names: str) -> State:
    return {name: state[name] for name in names}


def sweep(
    state: Mapping[str, Any], sparsities: Sequence[int], bits: Sequence[float]
) -> list[Recipe]:
    """The form's recipe at each sparsity and bit width, without duplicates.

    Sparsity is in per cent of single weights; 32 bits are not quantized.

    >>> from paretoscope.dashboard.compress.form.state import DEFAULTS
    >>> [recipe.in_words() for recipe in sweep(DEFAULTS, [0, 50], [8])]
    ['int8 dynamic', 'magnitude 50 % → int8 dynamic']
    """
    recipes: dict[str, Recipe] = {}
    for sparsity, width in itertools.product(sparsities, bits):
        recipe = to_recipe({**state, **_sparse(state, sparsity), **_width(state, width)})
        recipes[recipe.id] = recipe
    return list(recipes.values())


def _sparse(state: Mapping[str, Any], sparsity: int) -> State:
    """The pruning values for a sparsity of single weights."""
    targets = [each for each in state["targets"] if each != "weights" and state["prune"]]
    targets += ["weights"] if sparsity else []
    unstructured = {"sparsity": sparsity, "pattern": "unstructured"}
    return {"prune": bool(targets), "targets": targets, **unstructured}


def _width(state: Mapping[str, Any], width: float) -> State:
    """The quantization values for a bit width."""
    keeps = state["scheme"] != "weight-only" or state["decoder"]
    eight = state["scheme"] if keeps else "int8-dynamic"
    scheme = eight if width == 8 else "weight-only"
    return {"quantize": width < 32, "scheme": scheme, "bits": width, "max_mb": None}
