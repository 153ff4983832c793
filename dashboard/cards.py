"""The card that says what was wrong, for every page."""

from __future__ import annotations

import streamlit as st


def error_card(error: Exception | str, title: str = "") -> None:
    """One plain sentence about what was wrong; the only place where red is used."""
    st.error(f"**{title}** {error}" if title else str(error), icon=":material/error:")
