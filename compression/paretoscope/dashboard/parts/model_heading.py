"""The heading of a model's card: its short name, and below it the whole recipe."""

from __future__ import annotations

import streamlit as st

from paretoscope.report.figures.palette import STYLES
from paretoscope.report.tables.table import Row


def title(row: Row) -> str:
    """The glyph of the strategy with the short name."""
    return f"{STYLES[row.family].glyph} {row.short_name}"


def draw(row: Row) -> None:
    """Short name, recipe, protocol and trial id."""
    st.markdown(f"**{title(row)}**")
    st.caption(f"{row.name} · {row.summary.protocol} protocol · trial `{row.id}`")
