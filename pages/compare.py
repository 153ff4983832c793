"""Compare: up to six models side by side, with numbers, recipes, latencies and predictions."""

from __future__ import annotations

import streamlit as st

from paretoscope.dashboard.compare import (
    cards,
    chosen_models,
    disagreements,
    latencies,
    playground,
    recipes,
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
cards.answer(chosen, tested=not here.demo)
cards.draw(here, chosen)
recipes.draw(chosen)
chain.side_by_side(here, chosen)
if here.demo:
    chosen_models.numbers_only()
    st.stop()
samples = chosen_models.samples(chosen)
latencies.draw(here, chosen, samples)
disagreements.draw(chosen, samples)
playground.draw(chosen)
