"""The details of a stage: everything of it that is not in its row."""

from __future__ import annotations

import streamlit as st

from paretoscope.dashboard.compress.form import details_quantize
from paretoscope.dashboard.compress.form.state import key, value
from paretoscope.dashboard.compress.form.widgets import (
    EPOCH_HELP,
    MOST_EPOCHS,
    UNLABELLED_HELP,
    count,
    learning_rate,
    listed,
    number,
    percent,
    segmented,
    share,
)
from paretoscope.dashboard.parts import glossary
from paretoscope.recipes.stages.methods import STRUCTURE_CRITERIA, WEIGHT_SCORES
from paretoscope.shape.compatibility import decoder_methods

PATTERNS = {
    "unstructured": "unstructured",
    "2:4": "2:4 (2 of 4 kept)",
    "4:8": "4:8 (4 of 8 kept)",
    "1:4": "1:4 (1 of 4 kept)",
}
SCOPES = {"layer": "per matrix", "global": "global"}
SCOPE_HELP = (
    "Prunes the same share of every matrix, or the lowest-ranked weights of the whole model."
)
METHOD_HELP = "How weights are ranked. Magnitude needs no data; the others use calibration texts."
ALLOCATIONS = {"uniform": "uniform", "global": "global"}
ALLOCATION_HELP = (
    "Uniform prunes each layer alike; global prunes the least important units anywhere."
)
CRITERION_HELP = "Ranks the units; the least important are pruned. Only magnitude needs no data."
ABOUT = {
    "student": "A smaller model with fewer layers, trained on the outputs of the original.",
    "layers": "Removes whole layers without a teacher.",
    "ffn": "Removes units of the feed-forward networks.",
    "heads": "Removes attention heads; of a language model key-value heads with their queries.",
    "hidden": "Removes dimensions from the embedding and every layer.",
    "vocabulary": (
        "Keeps special tokens, single characters and the most frequent tokens of the training"
        " texts."
    ),
    "weights": "Sets single weights to zero; the matrices keep their shapes.",
    "quantize": "Fewer bits for each weight.",
}
STUDENT_START_HELP = "The student starts from the most important units of the teacher."
FEATURE_HELP = (
    "Weight of the loss on the teacher's layers. Above 0, an epoch takes about two thirds longer."
)
AUGMENT_HELP = "Copies with masked or deleted tokens; each adds one pass over the training split."
STEPS_HELP = "With more than one step, sparsity follows a cubic schedule with retraining between."


def draw(name: str, *, decoder: bool) -> None:
    """The details of the slot `name`."""
    st.caption(ABOUT[name])
    if name == "student":
        _student(decoder=decoder)
    elif name == "quantize":
        details_quantize.draw(decoder=decoder)
    else:
        if name == "weights":
            _weights(decoder=decoder)
        elif name != "vocabulary":
            _criterion(name, decoder=decoder)
        _retraining(name, decoder=decoder)


def _criterion(name: str, *, decoder: bool) -> None:
    names = decoder_methods(STRUCTURE_CRITERIA) if decoder else tuple(STRUCTURE_CRITERIA)
    words = {each: STRUCTURE_CRITERIA[each].label for each in names}
    listed("Importance criterion", words, f"{name}_criterion", CRITERION_HELP)
    if name == "ffn" or (name == "heads" and not decoder):
        segmented("Allocation", ALLOCATIONS, f"{name}_allocation", ALLOCATION_HELP)


def _weights(*, decoder: bool) -> None:
    """Method, pattern, ranking and steps."""
    names = decoder_methods(WEIGHT_SCORES) if decoder else tuple(WEIGHT_SCORES)
    words = {each: WEIGHT_SCORES[each].label for each in names}
    listed("Method", words, "weights_method", METHOD_HELP)
    patterns = {each: each for each in [value("weights_pattern")]} | PATTERNS
    help_text = "N:M patterns keep N of every M consecutive weights; some hardware uses them."
    listed("Pattern", patterns, "weights_pattern", help_text)
    unstructured = value("weights_pattern") == "unstructured"
    if unstructured and not WEIGHT_SCORES[value("weights_method")].updates:
        segmented("Ranking scope", SCOPES, "weights_scope", SCOPE_HELP)
    count("Pruning steps", "weights_steps", (1, 100), STEPS_HELP)


def _retraining(name: str, *, decoder: bool) -> None:
    about = EPOCH_HELP if decoder else "Recovers accuracy after this stage; costs training time."
    if not number("Retraining (epochs)", f"{name}_retrain_epochs", 50.0, 0.5, about):
        return
    rest = "the next token" if decoder else "the labels"
    teacher = f"Share of the loss on the outputs of the model before; the rest is on {rest}."
    if share("Teacher weight", f"{name}_distill_weight", teacher):
        number("Temperature", f"{name}_temperature", 100.0, 0.5)
        if not decoder:
            label, about = "Retrain on unlabelled texts", UNLABELLED_HELP
            st.toggle(label, help=about, **key(f"{name}_unlabelled"))
    learning_rate(f"{name}_learning_rate")


def _student(*, decoder: bool) -> None:
    percent("Attention heads to remove", "student_head_ratio", STUDENT_START_HELP)
    percent("FFN width to remove", "student_ffn_ratio", STUDENT_START_HELP)
    if value("student_head_ratio") or value("student_ffn_ratio"):
        _criterion("student", decoder=decoder)
    about = EPOCH_HELP if decoder else glossary.sentence("Knowledge distillation")
    number("Epochs", "student_epochs", MOST_EPOCHS, 0.5, about)
    about = "Divides the logits of teacher and student. Raise it for a very confident teacher."
    number("Temperature", "student_temperature", 100.0, 0.5, about)
    rest = "the next token" if decoder else "the labels"
    about = f"Share of the loss on the outputs of the larger model; the rest is on {rest}."
    share("Teacher weight", "student_soft_weight", about)
    if not decoder:
        number("Hidden-state loss", "student_hidden_weight", 1000.0, 0.5, FEATURE_HELP)
        number("Attention loss", "student_attention_weight", 1000.0, 0.5, FEATURE_HELP)
        count("Augmented copies per text", "student_augment", (0, 20), AUGMENT_HELP)
        st.toggle("Train on unlabelled texts", help=UNLABELLED_HELP, **key("student_unlabelled"))
    learning_rate("student_learning_rate")


def whole_recipe(*, decoder: bool) -> None:
    """What belongs to no stage: recovery and the seed."""
    unit = "per cent of perplexity" if decoder else "points"
    help_text = (
        "A stage that loses more is retried at the same size with another allocation, method or"
        " training. 0: stages are not retried."
    )
    number(f"Loss allowed per stage ({unit})", "recover", 100.0, 0.25, help_text)
    if value("recover") and not decoder:
        number("Additional training (epochs)", "recover_epochs", MOST_EPOCHS, 1.0)
    count("Seed", "seed", (0, 2**31 - 1), "Of training and sampling.")
