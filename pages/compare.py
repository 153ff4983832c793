"""What do these models do differently? Up to six picked ones side by side: numbers, recipes, times,
answers, and a text of one's own.
"""

from __future__ import annotations

import streamlit as st

from paretoscope.dashboard.compare import classifier_playground, comparison, disagreements
from paretoscope.dashboard.parts import chain, empty_states
from paretoscope.dashboard.shell import layout, scope
from paretoscope.trials.format import short

layout.guard("compare")
here = scope.current()
table = here.rows()

st.markdown(f"## Compare models of {short(here.model)} on {short(here.task)}")
empty_states.whose_points(here)
if not table:
    empty_states.nothing_measured(here)
    st.stop()

chosen = comparison.chosen(table)
if len(chosen) < 2:
    comparison.too_few()
    st.stop()
comparison.answer(chosen, tested=not here.demo)
comparison.cards(here, chosen)
comparison.recipes(chosen)
chain.side_by_side(here, chosen)
if here.demo:
    comparison.only_numbers()
    st.stop()
kept = comparison.kept(chosen)
comparison.times(here, chosen, kept)
disagreements.draw(chosen, kept)
classifier_playground.draw(chosen)
