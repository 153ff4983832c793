"""Impact: what the picked models save a year, and what the saving depends on."""

from __future__ import annotations

import streamlit as st

from paretoscope.dashboard.impact import answer, charts, chosen, inputs, price_tables
from paretoscope.dashboard.parts import empty_states
from paretoscope.dashboard.shell import header, layout, scope, share

layout.guard("impact")
here = scope.current()
table = here.rows()

header.draw(here, lambda: share.button(here))
if not table:
    empty_states.draw(here)
    st.stop()

tables = price_tables.current()
results, settings = st.columns([7, 3], gap="large")
with settings:
    rows = chosen.draw(table)
    request = inputs.draw(here, tables)
models = chosen.impacts(rows, request)
with results:
    if not models:
        chosen.nothing(here)
        st.stop()
    answer.draw(here, models)
    measure = charts.depends(models)
left, right = st.columns(2, gap="medium")
with left:
    charts.over_a_year(models, measure)
with right:
    answer.years(models)
price_tables.draw()
answer.how()
