"""Which models are shown, and their figures under the assumptions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import streamlit as st

from paretoscope.dashboard.impact.inputs import Request
from paretoscope.dashboard.parts.model_heading import title
from paretoscope.dashboard.parts.recommended import recommended
from paretoscope.dashboard.shell import selection
from paretoscope.dashboard.shell.error_card import error_card
from paretoscope.dashboard.shell.scope import Scope
from paretoscope.errors import ParetoscopeError
from paretoscope.impact.figures import figures
from paretoscope.impact.saving import Impact, impact
from paretoscope.report.tables.table import Row
from paretoscope.trials.format import short

CHOICE = "impact_models"
"""Key of the picker."""
MOST = 3
HELP = "Up to three, each against the original. Without a pick it is the recommended model."


@dataclass(frozen=True)
class Model:
    """A measured model and its year."""

    row: Row
    year: Impact

    @property
    def name(self) -> str:
        return self.row.short_name


def draw(table: Sequence[Row]) -> list[Row]:
    """The picker; the baseline is what the others are compared with, so it is no choice."""
    others = {row.id: row for row in table if not row.document.is_baseline}
    picked = [each for each in selection.picked([row.id for row in table]) if each in others]
    best = recommended(table)
    ids = picked[-MOST:] or ([best] if best in others else list(others)[:1])
    st.session_state[CHOICE] = ids
    st.multiselect(
        "Models",
        list(others),
        key=CHOICE,
        on_change=_changed,
        format_func=lambda trial_id: title(others[trial_id]),
        max_selections=MOST,
        help=HELP,
        disabled=not others,
        persist_state="session",
    )
    return [others[each] for each in ids]


def _changed() -> None:
    selection.write(st.session_state[CHOICE])


def impacts(rows: Sequence[Row], request: Request) -> list[Model]:
    """The models that can be calculated; an error card for each other one."""
    found: list[Model] = []
    for row in rows:
        try:
            found.append(Model(row, impact(figures(row, request.shape), request.at)))
        except ParetoscopeError as error:
            error_card(error)
    return found


def nothing(here: Scope) -> None:
    """The card while only the baseline is measured."""
    with st.container(border=True):
        st.markdown(f"### No compressed version of {short(here.model)} is measured yet")
        st.markdown("Compress the model to see what it saves.")
        st.page_link("pages/compress.py", label="Create a recipe", icon=":material/compress:")
