"""Paretoscope's page: what do I lose, and what do I gain, when I make this model smaller?

The router and the frame; what each page does stands in pages/, the parts they share in dashboard/.
"""

from __future__ import annotations

import streamlit as st

from paretoscope.dashboard import frame
from paretoscope.dashboard.cards import error_card
from paretoscope.errors import ParetoscopeError

st.set_page_config(page_title="Paretoscope", page_icon=str(frame.BRAND / "mark.svg"), layout="wide", initial_sidebar_state="auto")
st.logo(frame.logo(), size="large", icon_image=frame.BRAND / "mark.svg")

st.html(frame.STYLE)

page = st.navigation(frame.pages(), expanded=True)

frame.followed()
try:
    frame.sidebar()
except ParetoscopeError as error:
    error_card(error, "The workspace cannot be opened.")
    st.stop()

wanted = frame.resumed()
if wanted:
    st.switch_page(wanted, query_params=frame.query())

page.run()
