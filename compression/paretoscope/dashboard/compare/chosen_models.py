"""Which models are compared, and what is available of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import streamlit as st

from paretoscope.dashboard.parts.model_heading import title
from paretoscope.dashboard.parts.recommended import baseline_of, recommended
from paretoscope.dashboard.shell import data, selection
from paretoscope.dashboard.shell.error_card import error_card
from paretoscope.dashboard.shell.scope import Scope
from paretoscope.errors import ParetoscopeError
from paretoscope.report.tables.table import Row
from paretoscope.trials.samples import Samples

CHOICE = "compared"
"""Key of the picker."""
NOTHING_PICKED = (
    "No model is picked, so the baseline and the recommended model are compared. Pick up to six"
    " here or in Explore."
)
TOO_FEW = "Choose at least two models"
NO_SAMPLES = (
    "This demo study was recorded without predictions and single latencies, so there is nothing to"
    " compare by text. Make these models with the buttons above to see it."
)


def draw(table: Sequence[Row]) -> list[Row]:
    """The picked models; a single one is compared with the baseline."""
    by_id = {row.id: row for row in table}
    picked = selection.picked(list(by_id))
    ids = picked if len(picked) > 1 else _with_baseline(table, picked)
    st.session_state[CHOICE] = ids
    st.multiselect(
        "Models",
        list(by_id),
        key=CHOICE,
        on_change=_changed,
        format_func=lambda trial_id: title(by_id[trial_id]),
        max_selections=selection.MOST,
        persist_state="session",
    )
    if not picked:
        st.caption(NOTHING_PICKED)
    return [by_id[each] for each in ids]


def _changed() -> None:
    selection.write(st.session_state[CHOICE])


def _with_baseline(table: Sequence[Row], picked: Sequence[str]) -> list[str]:
    """The baseline and the picked model, else the one recommended under the default limits."""
    baseline, best = baseline_of(table), recommended(table)
    ids = [baseline.id if baseline else None, *(picked or [best])]
    return list(dict.fromkeys(each for each in ids if each))


def too_few() -> None:
    with st.container(border=True):
        st.markdown(f"### {TOO_FEW}")
        st.markdown("Choose another model above, or create one.")
        st.page_link("pages/compress.py", label="Create a recipe", icon=":material/compress:")


def samples(scope: Scope, rows: Sequence[Row]) -> dict[str, Samples | None]:
    """Predictions and raw latencies by trial id, where they were kept."""
    found: dict[str, Samples | None] = {}
    for row in rows:
        try:
            found[row.id] = data.samples(row.document, demo=scope.demo)
        except ParetoscopeError as error:
            error_card(error)
            found[row.id] = None
    return found


def without_samples(scope: Scope, kept: Mapping[str, Samples | None]) -> bool:
    """Say plainly that an older study has no samples; returns whether it has none."""
    missing = scope.demo and not any(kept.values())
    if missing:
        st.caption(f":material/info: {NO_SAMPLES}")
    return missing
