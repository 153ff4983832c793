"""Controls that several cards of the recipe form share, and their keys in the session state."""

from __future__ import annotations

from typing import Any, cast

import streamlit as st

PREFIX = "form_"
EPOCH_HELP = "An epoch of a language model is 16,384 tokens: minutes for 100 million parameters."
UNLABELLED_HELP = (
    "Uses only the teacher's outputs. `movies` includes such texts; for others choose a file under"
    " *Your model and data*."
)
BIT_WIDTHS = (2, 4, 8, 32)


def key(name: str) -> dict[str, Any]:
    """Key and lifetime of a widget.

    Values survive when a card is switched off or another page is opened.
    """
    return {"key": PREFIX + name, "persist_state": "session"}


def value(name: str) -> Any:
    """The current value of a control."""
    return st.session_state[PREFIX + name]


def put(name: str, new: Any) -> None:
    """Set a control; only in a callback or before it is drawn."""
    st.session_state[PREFIX + name] = new


def percent(label: str, name: str, highest: int, help_text: str = "") -> int:
    """A slider from 0 % to `highest` per cent."""
    about: dict[str, Any] = {"step": 1, "format": "%d %%", "help": help_text or None}
    return cast(int, st.slider(label, 0, highest, **about, **key(name)))


def share(label: str, name: str, help_text: str) -> float:
    """A slider from 0 to 1."""
    return cast(float, st.slider(label, 0.0, 1.0, step=0.05, help=help_text, **key(name)))


def epochs(label: str, name: str, highest: float, help_text: str | None = None) -> float:
    """A slider of epochs from 0."""
    about: dict[str, Any] = {"step": 0.5, "format": "%.1f epochs", "help": help_text}
    return cast(float, st.slider(label, 0.0, highest, **about, **key(name)))


def bits(label: str, name: str, *, disabled: bool, help_text: str | None = None) -> None:
    """A slider of bit widths; 32 is shown as fp32."""
    about: dict[str, Any] = {"format_func": width, "disabled": disabled, "help": help_text}
    st.select_slider(label, BIT_WIDTHS, **about, **key(name))


def width(count: int) -> str:
    """
    >>> width(4), width(32)
    ('4 bits', 'fp32')
    """
    return "fp32" if count == 32 else f"{count} bits"


def segmented(label: str, words: dict[str, str], name: str, help_text: str | None = None) -> str:
    """A choice among a few options, shown as `words`; one is always selected."""
    about: dict[str, Any] = {"required": True, "help": help_text, **key(name)}
    about["format_func"] = words.__getitem__
    return cast(str, st.segmented_control(label, list(words), **about))
