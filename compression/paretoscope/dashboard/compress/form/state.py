"""The values of the recipe form and their defaults.

The other files of this folder draw the cards; `to_recipe.py` and `from_recipe.py` convert between
values and recipes.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

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
"""Fields of a distillation stage that the form has under the same name."""
STRUCTURES = ("vocabulary", "hidden", "heads", "ffn", "layers")
"""Targets of structured pruning in the order of their stages; single weights come last."""
TARGETS = (*STRUCTURES, "weights")
SHARES = {"layers": "drop_layers"}
"""Form names of pruned shares where they differ from the target's name."""

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
"""Fixed values for a language model: weight-only quantization, distillation from outputs only, and
no added training, which would take hours."""

DECODER_STARTS: State = {"zero_point": "real", "criterion": "activation", "layers": 20}
"""Defaults that differ for a language model: at 4 bits it loses much less with real zero points,
magnitude ranks its FFN units poorly (`python -m benchmarks.decoders pruning`), and a student keeps
most of 30 layers."""

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
"""Initial values; shares are in per cent.

int8 is the first method to try on any CPU. FFN width is the first target because pruning it makes a
model smaller and faster here, which zeros in single weights do not.
"""


def for_decoder(state: Mapping[str, Any]) -> State:
    """The state with everything replaced that a language model does not support.

    What is supported is decided in `shape/compatibility.py`.

    >>> state = for_decoder(DEFAULTS | {"targets": ["vocabulary", "weights"], "method": "taylor"})
    >>> state["targets"], state["method"], state["scheme"]
    (['weights'], 'magnitude', 'weight-only')
    """
    methods, criteria = decoder_methods(WEIGHT_SCORES), decoder_methods(STRUCTURE_CRITERIA)
    targets = [target for target in state["targets"] if target in ("weights", *DECODER_TARGETS)]
    supported = {
        "targets": targets,
        "method": state["method"] if state["method"] in methods else methods[0],
        "criterion": state["criterion"] if state["criterion"] in criteria else criteria[0],
        "allocation": "uniform" if "heads" in targets else state["allocation"],
    }
    return {**state, **supported, **DECODER}


def prunes_weights(state: Mapping[str, Any]) -> bool:
    """Whether single weights are pruned; their zeros need an exact quantization level."""
    sparse = state["sparsity"] or state["pattern"] != "unstructured"
    return bool(state["prune"] and "weights" in state["targets"] and sparse)


def allows_frequent_tokens(state: Mapping[str, Any]) -> bool:
    """Whether the most frequent tokens may keep 8 bits.

    Embedding and output head, which may be one table, must have fewer bits.
    """
    narrow = state["embedding_bits"] in (2, 4) and state["head_bits"] in (2, 4)
    return narrow and not state["max_mb"]
