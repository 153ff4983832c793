"""The settings of text generation: prompt type, length and sampling."""

from __future__ import annotations

from dataclasses import dataclass, replace

import streamlit as st

LENGTHS = (16, 32, 64, 128, 256)
MESSAGE, BEGINNING = "message", "beginning of a text"
GREEDY, SAMPLED = "greedy", "sampling"


@dataclass(frozen=True)
class Settings:
    """How texts are generated; a `temperature` of 0 is greedy decoding."""

    chat: bool
    length: int
    temperature: float = 0.0
    top_p: float = 1.0
    seed: int = 0


def draw() -> Settings:
    with st.container(horizontal=True, vertical_alignment="bottom"):
        prompt = st.segmented_control(
            "Prompt type",
            [MESSAGE, BEGINNING],
            default=MESSAGE,
            required=True,
            key="prompt_is",
            help="A message is put into the chat template of the model.",
        )
        decoding = st.segmented_control(
            "Decoding", [GREEDY, SAMPLED], default=GREEDY, required=True, key="next_token"
        )
        length = st.select_slider("New tokens", LENGTHS, 64, key="new_tokens", width=220)
    settings = Settings(prompt == MESSAGE, length)
    return settings if decoding == GREEDY else _sampling(settings)


def _sampling(settings: Settings) -> Settings:
    with st.container(horizontal=True, vertical_alignment="bottom"):
        temperature = st.slider("Temperature", 0.1, 2.0, 0.8, 0.1, key="temperature", width=220)
        top_p = st.slider("Top-p", 0.05, 1.0, 0.95, 0.05, key="top_p", width=220)
        seed = st.number_input(
            "Seed",
            0,
            2**31 - 1,
            0,
            key="seed",
            width=140,
            help="Shared by all models, so that equal models generate equal texts.",
        )
    return replace(settings, temperature=temperature, top_p=top_p, seed=int(seed))
