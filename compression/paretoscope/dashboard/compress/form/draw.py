"""The whole recipe form: presets, then a card for each strategy and for recovery."""

from __future__ import annotations

import streamlit as st

from paretoscope.dashboard.compress.form import (
    distillation,
    presets,
    pruning,
    quantization,
    recovery,
)
from paretoscope.dashboard.compress.form.state import (
    DECODER_STARTS,
    DEFAULTS,
    State,
    for_decoder,
)
from paretoscope.dashboard.compress.form.widgets import PREFIX, put, value
from paretoscope.dashboard.shell.scope import MODEL_CHANGED


def draw(model: str, layers: int, *, decoder: bool = False) -> State:
    """The form for a model with this many layers; returns its values.

    For a language model only the controls that it supports are shown.
    """
    _begin(layers, decoder=decoder)
    presets.draw(model, decoder=decoder)
    distillation.draw(layers, decoder=decoder)
    pruning.draw(value("layers") if value("distil") else layers, decoder=decoder)
    quantization.draw(decoder=decoder)
    recovery.draw(trains=not decoder)
    state = {name: st.session_state.get(PREFIX + name, start) for name, start in DEFAULTS.items()}
    return for_decoder(state) if decoder else {**state, "decoder": False}


def _begin(layers: int, *, decoder: bool) -> None:
    """Give every control a value that this model supports."""
    if st.session_state.pop(MODEL_CHANGED, False):
        for name in DECODER_STARTS:
            st.session_state.pop(PREFIX + name, None)
    for name, start in {**DEFAULTS, **(DECODER_STARTS if decoder else {})}.items():
        st.session_state.setdefault(PREFIX + name, start)
    if value("layers") > layers:
        put("layers", max(1, layers // 2))
    if decoder:
        state = for_decoder({name: value(name) for name in DEFAULTS})
        for name in ("targets", "method", "criterion", "allocation"):
            if value(name) != state[name]:
                put(name, state[name])
