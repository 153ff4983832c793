"""The Streamlit app: navigation, sidebar and the chosen page.

Pages are in pages/, the components that they share in compression/paretoscope/dashboard/.
"""

from __future__ import annotations

import streamlit as st

from paretoscope.dashboard.shell import layout
from paretoscope.dashboard.shell.error_card import error_card
from paretoscope.errors import ParetoscopeError

st.set_page_config(
    page_title="Paretoscope",
    page_icon=str(layout.BRAND / "mark.svg"),
    layout="wide",
    initial_sidebar_state="auto",
)
st.logo(layout.logo(), size="large", icon_image=layout.BRAND / "mark.svg")

layout.style()

page = st.navigation(layout.pages(), expanded=True)

layout.apply_link()
try:
    layout.sidebar()
except ParetoscopeError as error:
    error_card(error, "The workspace cannot be opened.")
    st.stop()

resumed = layout.resume_page()
if resumed:
    st.switch_page(resumed, query_params=layout.query())

page.run()
