"""Controls that several rows of the recipe form share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import streamlit as st

from paretoscope.dashboard.compress.form.state import key

MOST_EPOCHS = 100.0
EPOCH_HELP = "An epoch of a language model is 16,384 tokens: minutes for 100 million parameters."
UNLABELLED_HELP = (
    "Uses only the teacher's outputs. `movies` includes such texts; for others add a file of texts"
    " to your data."
)
BIT_WIDTHS = (2, 4, 8, 32)


def percent(label: str, name: str, help_text: str = "", **more: Any) -> float:
    """A slider from 0 to 99 per cent."""
    about: dict[str, Any] = {"step": 1.0, "format": "%g %%", "help": help_text or None, **more}
    return cast(float, st.slider(label, 0.0, 99.0, **about, **key(name)))


def share(label: str, name: str, help_text: str) -> float:
    """A slider from 0 to 1."""
    return cast(float, st.slider(label, 0.0, 1.0, step=0.01, help=help_text, **key(name)))


def number(label: str, name: str, most: float, step: float, help_text: str = "") -> float:
    """A number from 0 that can be typed."""
    about: dict[str, Any] = {"step": step, "help": help_text or None, **key(name)}
    return cast(float, st.number_input(label, 0.0, most, **about))


def count(label: str, name: str, ends: tuple[int, int], help_text: str = "") -> int:
    """A whole number that can be typed."""
    about: dict[str, Any] = {"step": 1, "help": help_text or None, **key(name)}
    return cast(int, st.number_input(label, *ends, **about))


def learning_rate(name: str) -> None:
    st.number_input(
        "Learning rate", 1e-7, 0.1, format="%.1e", help="Peak of the schedule.", **key(name)
    )


def bits(label: str, name: str, *, disabled: bool, help_text: str | None = None) -> None:
    """A choice of bit widths; 32 is shown as fp32."""
    about: dict[str, Any] = {"format_func": width, "disabled": disabled, "help": help_text}
    st.segmented_control(label, BIT_WIDTHS, required=True, **about, **key(name))


def width(found: int) -> str:
    """
    >>> width(4), width(32)
    ('4 bits', 'fp32')
    """
    return "fp32" if found == 32 else f"{found} bits"


def segmented(label: str, words: dict[str, str], name: str, help_text: str | None = None) -> str:
    """A choice among a few options, shown as `words`; one is always selected."""
    about: dict[str, Any] = {"required": True, "help": help_text, **key(name)}
    about["format_func"] = words.__getitem__
    return cast(str, st.segmented_control(label, list(words), **about))


def listed(label: str, words: dict[str, str], name: str, help_text: str = "") -> str:
    """A choice among more options, shown as `words`."""
    about: dict[str, Any] = {"format_func": words.__getitem__, "help": help_text or None}
    return cast(str, st.selectbox(label, list(words), **about, **key(name)))


def steps(label: str, name: str, usual: Sequence[int], current: int, help_text: str = "") -> None:
    """A choice of usual sizes, and the current one where it is another."""
    options = sorted({*usual, current})
    st.select_slider(label, options, help=help_text or None, **key(name))
