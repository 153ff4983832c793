"""Jobs: running, queued, failed and finished trials."""

from __future__ import annotations

import streamlit as st

from paretoscope.dashboard.jobs import job_list
from paretoscope.dashboard.shell import layout

layout.guard("jobs")
st.markdown("## Jobs")
job_list.draw()
