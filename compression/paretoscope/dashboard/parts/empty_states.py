"""What a page shows while the scope has no measurements."""

from __future__ import annotations

import streamlit as st

from paretoscope.dashboard.parts.first_runs import measure_button
from paretoscope.dashboard.shell import data
from paretoscope.dashboard.shell.scope import Scope
from paretoscope.trials.format import short


def queued(count: int) -> str:
    """The heading while the first trials run."""
    return "1 model is being measured" if count == 1 else f"{count} models are being measured"


def nothing(scope: Scope) -> str:
    """The heading without any trial."""
    return f"No measurements of {short(scope.model)} on {short(scope.task)} yet"


def draw(scope: Scope) -> None:
    """The card with the button that measures the first models."""
    with st.container(border=True):
        waiting = [row for row in data.live_trials() if row.request.model == scope.model]
        if waiting:
            st.markdown(f"### {queued(len(waiting))}")
            st.page_link("pages/jobs.py", label="Show jobs", icon=":material/autorenew:")
            return
        st.markdown(f"### {nothing(scope)}")
        st.markdown("Measure the baseline and a few quick recipes, or create a recipe.")
        with st.container(horizontal=True):
            measure_button(scope)
            st.page_link("pages/compress.py", label="Create a recipe", icon=":material/compress:")
