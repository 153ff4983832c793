"""The card of an error, the same on every page."""

from __future__ import annotations

import re

import streamlit as st


def error_card(error: Exception | str, title: str = "") -> None:
    """One sentence about the error; nothing else on a page is red."""
    text = without_options(str(error))
    st.error(f"**{title}** {text}" if title else text, icon=":material/error:")


def without_options(error: str) -> str:
    """A message without command-line options, which have fields on the page.

    >>> without_options("Choose the label column with --label-column.")
    'Choose the label column.'
    """
    return re.sub(r" with --[a-z]+(-[a-z]+)*\b", "", error)
