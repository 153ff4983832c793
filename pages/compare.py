"""Compare: up to six models side by side, with numbers, recipes, predictions and latencies."""

from __future__ import annotations

import streamlit as st

from paretoscope.dashboard.compare import (
    chosen_models,
    latencies,
    metric_table,
    own_text,
    predictions,
    recipes,
    verdict,
)
from paretoscope.dashboard.parts import chain, empty_states
from paretoscope.dashboard.shell import header, layout, scope, share

layout.guard("compare")
here = scope.current()
table = here.rows()

header.draw(here, lambda: share.button(here))
if not table:
    empty_states.draw(here)
    st.stop()

chosen = chosen_models.draw(table)
if len(chosen) < 2:
    chosen_models.too_few()
    st.stop()
samples = chosen_models.samples(here, chosen)
verdict.draw(chosen)
metric_table.draw(here, chosen, samples)
recipes.draw(here, chosen)
chain.side_by_side(here, chosen)
if not chosen_models.without_samples(here, samples):
    predictions.draw(here, chosen, samples)
latencies.draw(here, chosen, samples)
own_text.draw(here, chosen)
