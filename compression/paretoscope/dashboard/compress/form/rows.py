"""The stages of a recipe as rows: on or off, the main setting, what it would do, details."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import streamlit as st

from paretoscope.dashboard.compress.form import details, widgets
from paretoscope.dashboard.compress.form.slots import AVERAGE, CHOICES, SLOTS, State
from paretoscope.dashboard.compress.form.state import (
    begin,
    current,
    key,
    move,
    put,
    value,
)
from paretoscope.dashboard.compress.form.to_recipe import is_on, size_limit
from paretoscope.dashboard.parts import glossary
from paretoscope.shape.compatibility import DECODER_TARGETS

EMBEDDING = "embedding"
"""The row of the embedding's bits, which is part of quantization."""
NEEDS_BITS = "Needs fewer than 32 bits"
NOT_A_DECODER = "Not for language models"
NO_SIZE = "set by the size limit"
LABEL_PIXELS, VERDICT_PIXELS = 118, 146


class Verdict(NamedTuple):
    """What a stage would do, in a few words, and the reason."""

    text: str
    why: str = ""


def draw(
    layers: int, verdicts: Callable[[State], Mapping[str, Verdict]], *, decoder: bool
) -> State:
    """The rows for a model with this many layers; returns the values of the form."""
    begin(layers, decoder=decoder)
    found = verdicts(current())
    with st.container(gap="xsmall", key="stages"):
        for name in value("order"):
            _row(name, layers, found.get(name), decoder=decoder)
            if name == "quantize":
                _average()
                _embedding(found.get(EMBEDDING))
    return current()


def more(*, decoder: bool) -> None:
    """The order of the stages, and what belongs to none of them."""
    _order()
    with st.popover(
        "Whole recipe",
        icon=":material/tune:",
        type="tertiary",
        on_change="rerun",
        key="details_recipe",
    ) as opened:
        if opened.open:
            details.whole_recipe(decoder=decoder)


def _row(name: str, layers: int, verdict: Verdict | None, *, decoder: bool) -> None:
    slot = SLOTS[name]
    unfit = decoder and slot.target not in (None, *DECODER_TARGETS)
    with st.container(
        horizontal=True, vertical_alignment="center", gap="xsmall", key=f"row_{name}"
    ):
        if name == "quantize":
            st.markdown(
                f":small[{slot.label}]",
                width=LABEL_PIXELS,
                help=glossary.sentence("Bits per weight"),
            )
            st.segmented_control(
                "Bits per weight",
                CHOICES,
                format_func=lambda each: "avg" if each == AVERAGE else each,
                required=True,
                label_visibility="collapsed",
                **key("quantize_choice"),
            )
        else:
            label = "KV heads" if decoder and name == "heads" else slot.label
            few = name == "student" and layers < 2
            st.toggle(label, disabled=unfit or few, width=LABEL_PIXELS, **key(f"on_{name}"))
            _main(name, label, layers, disabled=unfit or few)
        verdict = Verdict(NOT_A_DECODER) if unfit else verdict
        _verdict(verdict)
        _details(name, verdict, decoder=decoder, disabled=unfit)


def _verdict(verdict: Verdict | None) -> None:
    if verdict:
        st.caption(verdict.text, width=VERDICT_PIXELS)


def _details(name: str, verdict: Verdict | None, *, decoder: bool, disabled: bool) -> None:
    with st.popover(
        f"Details: {SLOTS[name].label}",
        icon=":material/tune:",
        type="tertiary",
        key=f"details_{name}",
        disabled=disabled,
        on_change="rerun",
    ) as opened:
        if opened.open:
            if verdict and verdict.why:
                st.caption(f":material/info: {verdict.why}")
            details.draw(name, decoder=decoder)


def _main(name: str, label: str, layers: int, *, disabled: bool) -> None:
    """The main setting of a stage; to set it switches the stage on."""
    about: dict[str, Any] = {
        "label_visibility": "collapsed",
        "disabled": disabled,
        "on_change": put,
        "args": (f"on_{name}", True),
        "width": "stretch",
    }
    if name == "student":
        form = f"%d of {layers} layers"
        about |= {"format": form, **key("student_layers")}
        st.slider("Student layers", 1, max(2, layers), **about)
    elif name == "weights":
        exact = value("weights_pattern") == "unstructured"
        about["disabled"] = disabled or not exact
        widgets.percent("Sparsity", "weights_sparsity", **about)
    else:
        widgets.percent(f"{label} to prune", f"{name}_ratio", **about, format="−%g %%")


def _average() -> None:
    """Average bits or a size limit, while an average is chosen."""
    if value("quantize_choice") != AVERAGE:
        return
    with st.container(horizontal=True, vertical_alignment="bottom", key="row_average"):
        st.slider(
            "Average bits per weight",
            2.0,
            8.0,
            step=0.25,
            format="%g bits",
            help="Each matrix gets 2, 4 or 8 bits.",
            disabled=size_limit(current()) is not None,
            **key("quantize_average"),
        )
        st.number_input(
            "Size limit (MB)",
            min_value=0.1,
            step=1.0,
            value=None,
            placeholder="none",
            help="Instead of bit widths: they are chosen for all matrices so that the files fit.",
            **key("quantize_max_mb"),
        )


def _embedding(verdict: Verdict | None) -> None:
    state = current()
    on, limited = is_on(state, "quantize"), size_limit(state) is not None
    with st.container(
        horizontal=True, vertical_alignment="center", gap="xsmall", key="row_embedding"
    ):
        st.markdown(":small[Embedding bits]", width=LABEL_PIXELS)
        st.segmented_control(
            "Embedding bits",
            (32, 8, 4, 2),
            required=True,
            disabled=not on or limited,
            label_visibility="collapsed",
            **key("quantize_embedding_bits"),
        )
        _verdict(Verdict(NEEDS_BITS) if not on else Verdict(NO_SIZE) if limited else verdict)


def _order() -> None:
    """The stages of the recipe with buttons that move them."""
    with st.popover(
        "Order", icon=":material/swap_vert:", type="tertiary", on_change="rerun", key="order_open"
    ) as opened:
        if not opened.open:
            return
        shown = [name for name in value("order") if is_on(current(), name)]
        st.caption("Stages run from top to bottom.")
        for place, name in enumerate(shown):
            with st.container(horizontal=True, vertical_alignment="center"):
                st.markdown(f"{place + 1}. {SLOTS[name].label}", width=150)
                for by, word, icon in (
                    (-1, "earlier", "arrow_upward"),
                    (1, "later", "arrow_downward"),
                ):
                    st.button(
                        f"Move {SLOTS[name].label.lower()} {word}",
                        icon=f":material/{icon}:",
                        type="tertiary",
                        key=f"move_{name}_{word}",
                        disabled=not 0 <= place + by < len(shown),
                        on_click=move,
                        args=(name, by, shown),
                    )
