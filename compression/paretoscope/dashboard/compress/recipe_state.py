"""A recipe as the values of a form, and back. Pure: the widgets are
`dashboard/compress/recipe_form.py`'s.

The form is a view of the recipe language for what people slide; what it cannot hold (two
distillations, a seed) stays in YAML files.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

from paretoscope.errors import RecipeError
from paretoscope.recipes.file import parse_recipe
from paretoscope.recipes.recipe import Recipe
from paretoscope.recipes.stages import Distill, PruneStructure, PruneWeights, Quantize
from paretoscope.recipes.stages.methods import STRUCTURE_CRITERIA, WEIGHT_SCORES
from paretoscope.shape.compatibility import DECODER_TARGETS, decoder_methods

State = dict[str, Any]

STUDENT = (
    "layers",
    "epochs",
    "temperature",
    "soft_weight",
    "hidden_weight",
    "attention_weight",
    "augment",
    "unlabelled",
)
"""Fields of a student that the form has as they are."""
STRUCTURES = ("vocabulary", "hidden", "heads", "ffn", "layers")
"""In the order in which the form's stages run, before single weights are pruned."""
TARGETS = ("weights", *STRUCTURES)
SHARES = {"layers": "drop_layers"}
"""Names of the form's shares where they are not the target's."""

DECODER: State = {
    "decoder": True,
    "scheme": "weight-only",
    "train_epochs": 0.0,
    "smooth": 0.0,
    "hidden_weight": 0.0,
    "attention_weight": 0.0,
    "augment": 0,
    "recover_epochs": 0.0,
}
"""What the form says for every language model: its weights alone are quantized, its students learn
from outputs, and recovering adds no training that would take hours."""

DECODER_STARTS: State = {"zero_point": "real", "criterion": "activation", "layers": 20}
"""Where the form of a language model starts otherwise: four bits with zero anywhere cost it little,
with zero as a level much, the size of a neuron's weights says little about what it does (`python -m
benchmarks.decoders pruning`), and a student has most of 30 layers."""

DEFAULTS: State = {
    "decoder": False,
    "distil": False,
    "layers": 3,
    "epochs": 6.0,
    "temperature": 2.0,
    "soft_weight": 0.7,
    "hidden_weight": 0.0,
    "attention_weight": 0.0,
    "augment": 0,
    "unlabelled": False,
    "student_heads": 0,
    "student_ffn": 0,
    "prune": False,
    "targets": ["ffn"],
    "method": "magnitude",
    "sparsity": 50,
    "pattern": "unstructured",
    "rank": "layer",
    "steps": 1,
    "heads": 25,
    "ffn": 50,
    "drop_layers": 35,
    "hidden": 25,
    "criterion": "magnitude",
    "allocation": "uniform",
    "vocabulary": 50,
    "retrain": 0.0,
    "teach": 0.0,
    "teach_unlabelled": False,
    "quantize": True,
    "scheme": "int8-dynamic",
    "bits": 4.0,
    "group_size": 32,
    "rounding": "rtn",
    "zero_point": "integer",
    "frequent_words": 0,
    "widths": "error",
    "max_mb": None,
    "embedding_bits": 8,
    "head_bits": 8,
    "cache_bits": 32,
    "calibration": "minmax",
    "calibration_examples": 128,
    "smooth": 0.0,
    "train_epochs": 0.0,
    "distill_weight": 0.5,
    "recover": 0.0,
    "recover_epochs": 4.0,
}
"""Where the form starts: int8, the first thing to try on any CPU; what is pruned first are neurons,
for that makes a model smaller and faster here, which zeros in single weights do not. Shares are in
per cent."""


def for_decoder(state: Mapping[str, Any]) -> State:
    """What of the form a language model takes (`shape/compatibility.py`): what it cannot take falls
    back to what it can.

    >>> to_recipe(for_decoder(DEFAULTS | {"prune": True, "targets": ["vocabulary", "weights"], "method": "taylor"})).in_words()
    'magnitude 50 % → weights 4 bit'
    """
    methods, criteria = decoder_methods(WEIGHT_SCORES), decoder_methods(STRUCTURE_CRITERIA)
    targets = [target for target in state["targets"] if target in ("weights", *DECODER_TARGETS)]
    kept = {
        "targets": targets,
        "method": state["method"] if state["method"] in methods else methods[0],
        "criterion": state["criterion"] if state["criterion"] in criteria else criteria[0],
        "allocation": "uniform" if "heads" in targets else state["allocation"],
    }
    return {**state, **kept, **DECODER}


def to_recipe(state: Mapping[str, Any]) -> Recipe:
    """The recipe that the form says; raises `RecipeError` in one sentence.

    >>> to_recipe(DEFAULTS).in_words()
    'int8 dynamic'
    >>> to_recipe(DEFAULTS | {"prune": True, "targets": ["ffn", "weights"], "retrain": 1.0}).in_words()
    'ffn -50 % → magnitude 50 % + 1 epoch → int8 dynamic'
    """
    stages: list[State] = []
    if state["distil"]:
        narrower = {
            "head_ratio": state["student_heads"] / 100,
            "ffn_ratio": state["student_ffn"] / 100,
        }
        stages.append({"kind": "distill", **{key: state[key] for key in STUDENT}, **narrower})
    if state["prune"]:
        stages += _pruning(state)
    if state["quantize"]:
        stages.append(_quantizing(state))
    rule = (
        {"recover": {"max_drop": state["recover"], "epochs": state["recover_epochs"]}}
        if state["recover"] and stages
        else {}
    )
    return parse_recipe({"stages": stages, **rule}, where="In this recipe")


def _pruning(state: Mapping[str, Any]) -> list[State]:
    """Structure first, then single weights of what is left; training to win back accuracy comes
    once, at the end. What goes by 0 % is no stage.
    """
    stages: list[State] = [
        _cut(state, target)
        for target in STRUCTURES
        if target in state["targets"] and state[SHARES.get(target, target)]
    ]
    if leaves_zeros(state):
        zeros: State = {
            "kind": "prune-weights",
            "method": state["method"],
            "pattern": state["pattern"],
            "steps": state["steps"],
        }
        if state["pattern"] == "unstructured":
            zeros |= {
                "sparsity": state["sparsity"] / 100,
                "scope": "layer" if WEIGHT_SCORES[state["method"]].updates else state["rank"],
            }
        stages.append(zeros)
    if stages and state["retrain"]:
        stages[-1] |= {"retrain_epochs": state["retrain"], "distill_weight": state["teach"]}
        stages[-1] |= {"unlabelled": bool(state["teach"] and state["teach_unlabelled"])}
    return stages


def _cut(state: Mapping[str, Any], target: str) -> State:
    stage: State = {
        "kind": "prune-structure",
        "target": target,
        "ratio": state[SHARES.get(target, target)] / 100,
    }
    stage |= {"criterion": state["criterion"]} if target != "vocabulary" else {}
    return stage | ({"allocation": state["allocation"]} if target in ("heads", "ffn") else {})


def _quantizing(state: Mapping[str, Any]) -> State:
    stage: State = {
        "kind": "quantize",
        "scheme": state["scheme"],
        "embedding_bits": state["embedding_bits"],
    }
    if state["decoder"] and state["cache_bits"] != 32:
        stage |= {"cache_bits": state["cache_bits"]}
    if state["scheme"] == "weight-only":
        stage |= {key: state[key] for key in ("bits", "group_size", "rounding", "head_bits")} | {
            "allocation": state["widths"]
        }
        if not state["train_epochs"]:
            stage |= {
                "zero_point": (
                    "integer"
                    if leaves_zeros(state) or not _moves_zero(state)
                    else state["zero_point"]
                )
            }
            stage |= (
                {"frequent_words": state["frequent_words"]}
                if state["decoder"] and state["frequent_words"] and splits_words(state)
                else {}
            )
        if state["max_mb"]:
            chosen = ("bits", "embedding_bits", "head_bits")
            stage = {key: value for key, value in stage.items() if key not in chosen} | {
                "max_mb": state["max_mb"]
            }
    if state["scheme"] == "int8-static":
        stage |= {key: state[key] for key in ("calibration", "calibration_examples")}
    if state["train_epochs"]:
        stage |= {key: state[key] for key in ("train_epochs", "distill_weight")}
    elif state["scheme"] != "weight-only" and state["smooth"]:
        stage |= {"smooth": state["smooth"], "calibration_examples": state["calibration_examples"]}
    return stage


def _moves_zero(state: Mapping[str, Any]) -> bool:
    """Whether anything has so few bits that it matters where its levels begin: 8 are symmetric."""
    return bool(state["max_mb"]) or state["bits"] < 8 or state["head_bits"] < 8


def leaves_zeros(state: Mapping[str, Any]) -> bool:
    """Whether single weights are pruned: their zeros need a level to stay zeros."""
    return (
        state["prune"]
        and "weights" in state["targets"]
        and bool(state["sparsity"] or state["pattern"] != "unstructured")
    )


def splits_words(state: Mapping[str, Any]) -> bool:
    """Whether the first words of the vocabulary may keep 8 bits: the others and the last matrix,
    which may be the same table, have fewer.
    """
    return (
        state["embedding_bits"] in (2, 4) and state["head_bits"] in (2, 4) and not state["max_mb"]
    )


def to_state(recipe: Recipe) -> State:
    """The form that says `recipe`; raises `RecipeError` when the form cannot say all of it.

    >>> to_recipe(to_state(parse_recipe({"stages": [{"kind": "prune-weights", "pattern": "2:4"}]}))).in_words()
    'magnitude 2:4'
    """
    decoders = any(
        isinstance(stage, Quantize) and (stage.cache_bits != 32 or stage.frequent_words)
        for stage in recipe.stages
    )
    state: State = {
        **DEFAULTS,
        "decoder": decoders,
        "distil": False,
        "prune": False,
        "targets": [],
        "quantize": False,
    }
    for stage in recipe.stages:
        if isinstance(stage, Distill):
            state |= {"distil": True, **stage.model_dump(include=set(STUDENT))}
            state |= {
                "student_heads": round(stage.head_ratio * 100, 6),
                "student_ffn": round(stage.ffn_ratio * 100, 6),
            }
        elif isinstance(stage, PruneStructure):
            state |= {
                "prune": True,
                "targets": [*state["targets"], stage.target],
                SHARES.get(stage.target, stage.target): round(stage.ratio * 100, 6),
                "retrain": stage.retrain_epochs,
                "teach": stage.distill_weight,
                "teach_unlabelled": stage.unlabelled,
            }
            state |= {"criterion": stage.criterion} if stage.target != "vocabulary" else {}
            state |= {"allocation": stage.allocation} if stage.target in ("heads", "ffn") else {}
        elif isinstance(stage, PruneWeights):
            state |= {
                "prune": True,
                "targets": [*state["targets"], "weights"],
                "sparsity": round(stage.target_sparsity * 100, 6),
            }
            state |= {
                "method": stage.method,
                "pattern": stage.pattern,
                "rank": stage.scope,
                "steps": stage.steps,
            }
            state |= {
                "retrain": stage.retrain_epochs,
                "teach": stage.distill_weight,
                "teach_unlabelled": stage.unlabelled,
            }
        elif isinstance(stage, Quantize):
            fields = {
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
            }
            fields |= {"smooth", "train_epochs", "distill_weight"}
            state |= {
                "quantize": True,
                "widths": stage.allocation,
                **stage.model_dump(include=fields),
            }
            state |= (
                {"bits": stage.bits}
                if stage.scheme == "weight-only" and stage.max_mb is None
                else {}
            )
    if recipe.recover:
        state |= {"recover": recipe.recover.max_drop, "recover_epochs": recipe.recover.epochs}
    state["targets"] = state["targets"] or DEFAULTS["targets"]
    if to_recipe(state).id != recipe.id:
        raise RecipeError(
            f'The form cannot show all of "{recipe.in_words()}"; run its file with `paretoscope run'
            " MODEL --recipe FILE`."
        )
    return state


def sweep(
    state: Mapping[str, Any], sparsities: Sequence[int], bits: Sequence[float]
) -> list[Recipe]:
    """The form's recipe at every sparsity (per cent of single weights, 0: none) and every bit width
    (32: not quantized), each once.

    >>> [recipe.in_words() for recipe in sweep(DEFAULTS, [0, 50], [8, 4])]
    ['int8 dynamic', 'weights 4 bit', 'magnitude 50 % → int8 dynamic', 'magnitude 50 % → weights 4 bit']
    """
    recipes: list[Recipe] = []
    for sparsity, width in itertools.product(sparsities, bits):
        targets = [
            target for target in state["targets"] if target != "weights" and state["prune"]
        ] + (["weights"] if sparsity else [])
        zeros = {
            "prune": bool(targets),
            "targets": targets,
            "sparsity": sparsity,
            "pattern": "unstructured",
        }
        eight = (
            state["scheme"]
            if state["scheme"] != "weight-only" or state["decoder"]
            else "int8-dynamic"
        )
        rounded = {
            "quantize": width < 32,
            "scheme": eight if width == 8 else "weight-only",
            "bits": width,
            "max_mb": None,
        }
        recipes.append(to_recipe({**state, **zeros, **rounded}))
    return list({recipe.id: recipe for recipe in recipes}.values())
