"""What happens if I ...? A recipe by sliders, what it would give at once, and the real model at the press of a button."""

from __future__ import annotations

import streamlit as st

from paretoscope.dashboard import empty, frame, own, scope, workbench
from paretoscope.trials.format import short

frame.guard("compress")
here = scope.current()

with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
    st.markdown(f"## Compress {short(here.model)} on {short(here.task)}", width="content")
    own.draw(here)
empty.whose_points(here)
workbench.draw(here)
