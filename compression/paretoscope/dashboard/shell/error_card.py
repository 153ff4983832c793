"""The card that says what was wrong, for every page."""

from __future__ import annotations

import re

import streamlit as st


def error_card(error: Exception | str, title: str = "") -> None:
    """One plain sentence about what was wrong; the only place where red is used."""
    said = on_a_page(str(error))
    st.error(f"**{title}** {said}" if title else said, icon=":material/error:")


def on_a_page(error: str) -> str:
    """A complaint without the options of the command line, which have fields on the page.

    >>> on_a_page("Choose the label column with --label-column.")
    'Choose the label column.'
    """
    return re.sub(r" with --[a-z]+(-[a-z]+)*\b", "", error)
