"""Layers as a fragment: a click redraws only this part of the page."""

from __future__ import annotations

import streamlit as st

from paretoscope.dashboard.layers import actions, answer, chart, content, mixed, rows, tables
from paretoscope.dashboard.shell.scope import Scope
from paretoscope.trials.format import short


@st.fragment
def draw(here: Scope) -> None:
    """Answer, map, mixed recipe and tables."""
    top = st.container(gap="small")
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        found = content.draw(here)
        if found is None:
            _unknown(here)
            return
        by = rows.picker(found)
        loss = chart.loss_picker(found)
        actions.draw(here, found)
    with top:
        answer.draw(here, found)
    left, right = st.columns([7, 3], gap="medium")
    with left:
        chart.draw(found, by, loss)
    with right:
        mixed.draw(here, found)
    tables.draw(found, by)


def _unknown(here: Scope) -> None:
    with st.container(border=True):
        st.markdown(f"### The parts of {short(here.model)} are not known")
        st.markdown(
            "Its family is exported by tracing, so its matrices have no names of layers. Compress"
            " it as a whole instead."
        )
        st.page_link("pages/compress.py", label="Create a recipe", icon=":material/compress:")
