"""The distillation card: depth and width of the student, and its training."""

from __future__ import annotations

import streamlit as st

from paretoscope.dashboard.compress.form.widgets import (
    EPOCH_HELP,
    UNLABELLED_HELP,
    key,
    percent,
    share,
)
from paretoscope.dashboard.parts import glossary

STUDENT_START_HELP = "The student starts from the most important units of the teacher."
FEATURE_HELP = (
    "Weight of the loss on the teacher's layers. Above 0, an epoch takes about two thirds longer."
)


def draw(layers: int, *, decoder: bool) -> None:
    """The card for a teacher with this many layers."""
    with st.container(border=True):
        about = glossary.sentence("Knowledge distillation")
        if not st.toggle("**1 Distillation**", help=about, disabled=layers < 2, **key("distil")):
            return
        st.slider(
            "Student layers",
            1,
            max(2, layers),
            help=f"{glossary.sentence('Student')} Its teacher has {layers} layers.",
            **key("layers"),
        )
        with st.expander("Student width"):
            percent("Attention heads to remove", "student_heads", 90, STUDENT_START_HELP)
            percent("FFN width to remove", "student_ffn", 95, STUDENT_START_HELP)
        with st.expander("Training"):
            _training(decoder=decoder)


def _training(*, decoder: bool) -> None:
    st.slider("Epochs", 0.0, 20.0, step=0.5, help=EPOCH_HELP if decoder else None, **key("epochs"))
    st.slider(
        "Temperature",
        0.5,
        10.0,
        step=0.5,
        help="Divides the logits of teacher and student. Raise it for a very confident teacher.",
        **key("temperature"),
    )
    rest = "the next token" if decoder else "the labels"
    share(
        "Teacher weight",
        "soft_weight",
        f"Share of the loss on the outputs of the larger model; the rest is on {rest}.",
    )
    if not decoder:
        _features()


def _features() -> None:
    """Losses and data that only classifiers have."""
    feature = {"step": 0.5, "help": FEATURE_HELP}
    st.slider("Hidden-state loss", 0.0, 10.0, **feature, **key("hidden_weight"))
    st.slider("Attention loss", 0.0, 10.0, **feature, **key("attention_weight"))
    st.slider(
        "Augmented copies per text",
        0,
        10,
        help="Copies with masked or deleted tokens; each adds one pass over the training split.",
        **key("augment"),
    )
    st.toggle("Train on unlabelled texts", help=UNLABELLED_HELP, **key("unlabelled"))
