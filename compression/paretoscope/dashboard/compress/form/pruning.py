"""The pruning card: structures and single weights to prune, and retraining."""

from __future__ import annotations

import streamlit as st

from paretoscope.dashboard.compress.form.state import TARGETS
from paretoscope.dashboard.compress.form.widgets import (
    EPOCH_HELP,
    UNLABELLED_HELP,
    epochs,
    key,
    percent,
    segmented,
    share,
    value,
)
from paretoscope.dashboard.parts import glossary
from paretoscope.recipes.stages import PruneStructure
from paretoscope.recipes.stages.methods import STRUCTURE_CRITERIA, WEIGHT_SCORES
from paretoscope.shape.compatibility import DECODER_TARGETS, decoder_methods

PATTERNS = {
    "unstructured": "unstructured",
    "2:4": "2:4 (2 of 4 kept)",
    "4:8": "4:8 (4 of 8 kept)",
    "1:4": "1:4 (1 of 4 kept)",
}
TARGET_WORDS = {
    "vocabulary": "vocabulary",
    "hidden": "hidden width",
    "heads": "attention heads",
    "ffn": "FFN width",
    "layers": "layers",
    "weights": "single weights",
}
SCOPES = {"layer": "per matrix", "global": "global"}
SCOPE_HELP = (
    "Prunes the same share of every matrix, or the lowest-ranked weights of the whole model."
)
METHOD_HELP = "How weights are ranked. Magnitude needs no data; the others use calibration texts."
ALLOCATIONS = {"uniform": "uniform", "global": "global"}


def draw(layers: int, *, decoder: bool) -> None:
    """The card for a model with this many layers."""
    with st.container(border=True):
        about = glossary.sentence("Structured pruning")
        if not st.toggle("**2 Pruning**", help=about, **key("prune")):
            return
        supported = ("weights", *DECODER_TARGETS) if decoder else TARGETS
        targets = st.pills(
            "Prune (applied in this order)",
            [target for target in TARGETS if target in supported],
            selection_mode="multi",
            format_func=lambda target: _word(target, decoder=decoder),
            **key("targets"),
        )
        _structures(targets, layers, decoder=decoder)
        if "weights" in targets:
            _weights(decoder=decoder)
        _retraining(decoder=decoder)


def _word(target: str, *, decoder: bool) -> str:
    return "key-value heads" if decoder and target == "heads" else TARGET_WORDS[target]


def _structures(targets: list[str], layers: int, *, decoder: bool) -> None:
    """A share for each target, then how its parts are chosen."""
    if "vocabulary" in targets:
        percent(
            "Vocabulary to prune",
            "vocabulary",
            90,
            "Keeps special tokens, single characters and the most frequent tokens of the training"
            " texts.",
        )
    if "hidden" in targets:
        percent("Hidden width to prune", "hidden", 90)
    if "heads" in targets and decoder:
        percent("Key-value heads to prune", "heads", 90, "Their query heads are pruned with them.")
    elif "heads" in targets:
        percent("Attention heads to prune", "heads", 90)
    if "ffn" in targets:
        percent("FFN width to prune", "ffn", 95)
    if "layers" in targets:
        ratio = percent("Layers to prune", "drop_layers", 90) / 100
        st.caption(layers_kept(PruneStructure(target="layers", ratio=ratio).kept(layers), layers))
    if set(targets) - {"weights", "vocabulary"}:
        per_layer = {"heads", "ffn"} & set(targets)
        _criterion(allocates=per_layer == {"ffn"} if decoder else bool(per_layer), decoder=decoder)


def layers_kept(kept: int, layers: int) -> str:
    return f"{kept} of {layers} layers are kept."


def _criterion(*, allocates: bool, decoder: bool) -> None:
    """How parts are ranked and, where layers may differ, how the share is allocated to them."""
    st.selectbox(
        "Importance criterion",
        decoder_methods(STRUCTURE_CRITERIA) if decoder else tuple(STRUCTURE_CRITERIA),
        format_func=lambda name: STRUCTURE_CRITERIA[name].label,
        help="Ranks the units; the least important are pruned. Only magnitude needs no data.",
        **key("criterion"),
    )
    if allocates:
        about = "Uniform prunes each layer alike; global prunes the least important units anywhere."
        segmented("Allocation", ALLOCATIONS, "allocation", about)


def _weights(*, decoder: bool) -> None:
    """Method, sparsity and pattern of unstructured or N:M pruning."""
    names = decoder_methods(WEIGHT_SCORES) if decoder else tuple(WEIGHT_SCORES)
    st.selectbox(
        "Weight pruning method",
        names,
        format_func=lambda name: WEIGHT_SCORES[name].label,
        help=METHOD_HELP,
        **key("method"),
    )
    unstructured = value("pattern") == "unstructured"
    if unstructured:
        percent("Sparsity", "sparsity", 95, glossary.sentence("Sparsity"))
    st.selectbox(
        "Sparsity pattern",
        list(PATTERNS),
        format_func=lambda name: PATTERNS[name],
        help="N:M patterns keep N of every M consecutive weights; some hardware accelerates them.",
        **key("pattern"),
    )
    if unstructured and not WEIGHT_SCORES[value("method")].updates:
        segmented("Ranking scope", SCOPES, "rank", SCOPE_HELP)
    st.slider(
        "Pruning steps",
        1,
        10,
        help="With more than one step, sparsity follows a cubic schedule with retraining between.",
        **key("steps"),
    )


def _retraining(*, decoder: bool) -> None:
    about = EPOCH_HELP if decoder else "Recovers accuracy after pruning; costs training time."
    if not epochs("Retraining", "retrain", 10.0, about):
        return
    rest = "the next token" if decoder else "the labels"
    teacher = f"Share of the loss on the unpruned model's outputs; the rest is on {rest}."
    if share("Teacher weight", "teach", teacher) and not decoder:
        st.toggle("Retrain on unlabelled texts", help=UNLABELLED_HELP, **key("teach_unlabelled"))
