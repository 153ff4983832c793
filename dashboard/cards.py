"""Small cards that several pages show: an error in a sentence, a note with one way on."""

from __future__ import annotations

import streamlit as st


def error_card(error: Exception | str, title: str = "") -> None:
    """One plain sentence about what was wrong; the only place where red is used."""
    st.error(f"**{title}** {error}" if title else str(error), icon=":material/error:")


def note(text: str) -> None:
    """A line that a person should see once, in a quiet frame."""
    with st.container(border=True):
        st.markdown(text)
