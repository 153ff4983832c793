"""Compress: a recipe form with estimates, and the run of the recipe."""

from __future__ import annotations

import streamlit as st

from paretoscope.dashboard.compress import own_model_and_data, workbench
from paretoscope.dashboard.parts import study_note
from paretoscope.dashboard.shell import layout, scope
from paretoscope.trials.format import short

layout.guard("compress")
here = scope.current()

with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
    st.markdown(f"## Compress {short(here.model)} on {short(here.task)}", width="content")
    own_model_and_data.draw(here)
study_note.draw(here)
workbench.draw(here)
