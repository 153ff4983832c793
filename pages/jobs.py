"""What is running, what failed and why?"""

from __future__ import annotations

import streamlit as st

from paretoscope.dashboard.jobs import job_list
from paretoscope.dashboard.shell import layout

layout.guard("jobs")
st.markdown("## Jobs")
job_list.draw()
