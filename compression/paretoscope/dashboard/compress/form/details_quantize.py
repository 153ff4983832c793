"""The details of quantization: scheme, calibration, groups, rounding, training."""

from __future__ import annotations

import streamlit as st

from paretoscope.dashboard.compress.form.state import current, key, value
from paretoscope.dashboard.compress.form.to_recipe import (
    allows_frequent_tokens,
    prunes_weights,
    scheme,
    size_limit,
)
from paretoscope.dashboard.compress.form.widgets import (
    bits,
    learning_rate,
    listed,
    number,
    segmented,
    share,
    steps,
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
    "At 8 bits: dynamic finds activation ranges at run time, static by calibration; weights only"
    " keeps activations in fp32, as fewer bits always do."
)
ZERO_POINTS = {"integer": "integer", "real": "real"}
ALLOCATIONS = {"error": "error", "sensitivity": "sensitivity"}
ALLOCATION_HELP = "By the error of each matrix, or by the change of the outputs (takes a minute)."
ROUNDING_HELP = (
    "Round to nearest needs no data; other methods reduce the error on calibration texts."
)
TIED_HELP = "Where embedding and output head share one table, it gets the larger of both widths."
SMOOTH_HELP = "Scales outliers of activations into the weights. 0 is off, 0.5 is usual."
CALIBRATION_SIZES = (32, 64, 128, 256, 512, 1024)
GROUP_SIZES = (16, 32, 64, 128, 256)
QAT_HELP = "Trains with simulated rounding, for weights that round well. Needs 2, 4 or 8 bits."


def draw(*, decoder: bool) -> None:
    trains = value("quantize_train_epochs") > 0
    if value("quantize_choice") == "8" and not decoder:
        segmented("Scheme", SCHEMES, "quantize_scheme", SCHEME_HELP)
    if scheme(current()) == "weight-only":
        _groups(decoder=decoder, trains=trains)
    else:
        _activations(trains=trains)
    if decoder:
        st.segmented_control(
            "KV cache",
            [32, 8],
            format_func=width,
            help="8 bits need a quarter of the memory for long texts, but are slower.",
            required=True,
            **key("quantize_cache_bits"),
        )
    else:
        _training()


def _activations(*, trains: bool) -> None:
    """Range and smoothing of activations."""
    static = value("quantize_scheme") == "int8-static"
    if static:
        words = {name: row.label for name, row in CALIBRATIONS.items()}
        about = f"{glossary.sentence('Calibration')} Clipping outliers leaves finer steps."
        listed("Activation range", words, "quantize_calibration", about)
    if not trains:
        share("SmoothQuant strength", "quantize_smooth", SMOOTH_HELP)
    if static or (value("quantize_smooth") and not trains):
        _calibration_examples()


def _calibration_examples() -> None:
    name = "quantize_calibration_examples"
    steps("Calibration examples", name, CALIBRATION_SIZES, value(name))


def _groups(*, decoder: bool, trains: bool) -> None:
    limited = size_limit(current()) is not None
    steps(
        "Group size",
        "quantize_group_size",
        GROUP_SIZES,
        value("quantize_group_size"),
        glossary.sentence("Group size"),
    )
    bits("Output head bits", "quantize_head_bits", disabled=limited, help_text=TIED_HELP)
    if not trains:
        _zero_point()
    if decoder and allows_frequent_tokens(current()):
        st.number_input(
            "Tokens at 8 bits",
            0,
            1_000_000,
            step=1000,
            help="The first entries of a byte-pair vocabulary, which are the most frequent,"
            " keep 8 bits.",
            **key("quantize_frequent_words"),
        )
    words = {name: row.label for name, row in ROUNDINGS.items()}
    listed("Rounding", words, "quantize_rounding", ROUNDING_HELP)
    segmented("Bit allocation", ALLOCATIONS, "quantize_allocation", ALLOCATION_HELP)
    by_data = value("quantize_allocation") == "sensitivity"
    if by_data or ROUNDINGS[value("quantize_rounding")].needs_data:
        _calibration_examples()


def _zero_point() -> None:
    st.segmented_control(
        "Zero point",
        list(ZERO_POINTS),
        help=f"{glossary.sentence('Zero point')} Real is more accurate; integer keeps pruned zeros"
        " exact, so it is used after pruning single weights.",
        required=True,
        disabled=prunes_weights(current()),
        **key("quantize_zero_point"),
    )


def _training() -> None:
    if number("Quantization-aware training (epochs)", "quantize_train_epochs", 50.0, 0.5, QAT_HELP):
        about = "Share of the loss on the unquantized model's outputs; the rest is on the labels."
        share("Teacher weight", "quantize_distill_weight", about)
        learning_rate("quantize_learning_rate")
