"""Paretoscope's page: what do I lose, and what do I gain, when I make this model smaller?

The router and the frame; what each page does stands in pages/, the parts they share in dashboard/.
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

st.html(layout.STYLE)

page = st.navigation(layout.pages(), expanded=True)

layout.followed()
try:
    layout.sidebar()
except ParetoscopeError as error:
    error_card(error, "The workspace cannot be opened.")
    st.stop()

wanted = layout.resumed()
if wanted:
    st.switch_page(wanted, query_params=layout.query())

page.run()
