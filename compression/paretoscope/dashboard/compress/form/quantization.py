"""The quantization card: scheme, bit widths, calibration, groups and training."""

from __future__ import annotations

import streamlit as st

from paretoscope.dashboard.compress.form.state import allows_frequent_tokens, prunes_weights
from paretoscope.dashboard.compress.form.widgets import (
    bits,
    epochs,
    key,
    segmented,
    share,
    value,
    width,
)
from paretoscope.dashboard.parts import glossary
from paretoscope.recipes.stages.methods import CALIBRATIONS, ROUNDINGS

SCHEMES = {
    "int8-dynamic": "int8 dynamic",
    "int8-static": "int8 static",
    "weight-only": "weights only",
}
SCHEME_HELP = (
    "Dynamic finds activation ranges at run time, static by calibration; weights only keeps"
    " activations in fp32."
)
ZERO_POINTS = {"integer": "integer", "real": "real"}
ALLOCATIONS = {"error": "error", "sensitivity": "sensitivity"}
EMBEDDING_HELP = (
    "The embedding is a large share of a small model; fewer bits reduce its size, not latency."
)
ROUNDING_HELP = (
    "Round to nearest needs no data; other methods reduce the error on calibration texts."
)
TIED_HELP = "Where embedding and output head share one table, it gets the larger of both widths."
CALIBRATION_SIZES = (32, 64, 128, 256, 512, 1024)
GROUP_SIZES = (16, 32, 64, 128, 256)


def draw(*, decoder: bool) -> None:
    with st.container(border=True):
        about = glossary.sentence("Quantization")
        if not st.toggle("**3 Quantization**", help=about, **key("quantize")):
            return
        scheme = "weight-only" if decoder else segmented("Scheme", SCHEMES, "scheme", SCHEME_HELP)
        trains = value("train_epochs") > 0 and not decoder
        if scheme == "weight-only":
            _average_width(decoder=decoder)
        else:
            _activations(scheme, trains=trains)
        _table_widths(scheme, decoder=decoder)
        if scheme == "weight-only":
            _groups(decoder=decoder)
        if decoder:
            _kv_cache()
        else:
            _training(trains=trains)


def _average_width(*, decoder: bool) -> None:
    """Bits per weight, or the size of all files."""
    st.slider(
        "Bits per weight",
        2.0,
        8.0,
        step=0.5,
        format="%.1f bits",
        help=f"{glossary.sentence('Bits per weight')} Each matrix gets 2, 4 or 8 bits.",
        disabled=_has_budget(),
        **key("bits"),
    )
    st.number_input(
        "Size limit (MB)",
        min_value=0.1,
        step=1.0,
        value=None,
        placeholder="none",
        help="Instead of bit widths: they are chosen for all matrices so that the files fit.",
        **key("max_mb"),
    )
    if decoder:  # a language model loses more by its zero points than by one bit
        _zero_point()


def _has_budget() -> bool:
    """Whether bit widths follow from a size limit."""
    return bool(value("max_mb"))


def _activations(scheme: str, *, trains: bool) -> None:
    """Range and smoothing of activations."""
    if scheme == "int8-static":
        st.selectbox(
            "Activation range",
            list(CALIBRATIONS),
            format_func=lambda name: CALIBRATIONS[name].label,
            help=f"{glossary.sentence('Calibration')} Clipping outliers leaves finer steps.",
            **key("calibration"),
        )
    if not trains:
        share(
            "SmoothQuant strength",
            "smooth",
            "Scales outliers of activations into the weights. 0 is off, 0.5 is usual.",
        )
    if scheme == "int8-static" or (value("smooth") and not trains):
        st.select_slider("Calibration examples", CALIBRATION_SIZES, **key("calibration_examples"))


def _table_widths(scheme: str, *, decoder: bool) -> None:
    """Bits of the embedding and, for a language model, of the output head."""
    fixed = scheme == "weight-only" and _has_budget()
    about = TIED_HELP if decoder else EMBEDDING_HELP
    bits("Embedding bits", "embedding_bits", disabled=fixed, help_text=about)
    if scheme == "weight-only" and decoder:
        bits("Output head bits", "head_bits", disabled=fixed, help_text=about)


def _groups(*, decoder: bool) -> None:
    with st.expander("Groups and rounding"):
        st.select_slider(
            "Group size", GROUP_SIZES, help=glossary.sentence("Group size"), **key("group_size")
        )
        if not decoder:
            bits("Output head bits", "head_bits", disabled=_has_budget())
            if not value("train_epochs"):
                _zero_point()
        elif allows_frequent_tokens(_values("embedding_bits", "head_bits", "max_mb")):
            st.slider(
                "Tokens at 8 bits",
                0,
                20_000,
                step=1000,
                help="The first entries of a byte-pair vocabulary, which are the most frequent,"
                " keep 8 bits.",
                **key("frequent_words"),
            )
        st.selectbox(
            "Rounding",
            list(ROUNDINGS),
            format_func=lambda name: ROUNDINGS[name].label,
            help=ROUNDING_HELP,
            **key("rounding"),
        )
        segmented(
            "Bit allocation",
            ALLOCATIONS,
            "widths",
            "By the error of each matrix, or by the change of the outputs (takes a minute).",
        )


def _values(*names: str) -> dict[str, object]:
    return {name: value(name) for name in names}


def _zero_point() -> None:
    st.segmented_control(
        "Zero point",
        list(ZERO_POINTS),
        help=f"{glossary.sentence('Zero point')} Real is more accurate; integer keeps pruned zeros"
        " exact.",
        required=True,
        disabled=prunes_weights(_values("prune", "targets", "sparsity", "pattern")),
        **key("zero_point"),
    )


def _kv_cache() -> None:
    st.segmented_control(
        "KV cache",
        [32, 8],
        format_func=width,
        help="8 bits need a quarter of the memory for long texts, but are slower.",
        required=True,
        **key("cache_bits"),
    )


def _training(*, trains: bool) -> None:
    with st.expander("Quantization-aware training"):
        epochs(
            "QAT epochs",
            "train_epochs",
            10.0,
            "Trains with simulated rounding, for weights that round well. Needs 2, 4 or 8 bits.",
        )
        if trains:
            share(
                "Teacher weight",
                "distill_weight",
                "Share of the loss on the unquantized model's outputs; the rest is on the labels.",
            )
