"""What is running, what failed and why?"""

from __future__ import annotations

import streamlit as st

from paretoscope.dashboard import frame, job_list

frame.guard("jobs")
st.markdown("## Jobs")
job_list.draw()
