"""The picked models as cards: numbers, dominance, test split, stages and downloads."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from paretoscope.dashboard.explore import held_out
from paretoscope.dashboard.parts import chain, downloads, model_heading, runs, test_summary
from paretoscope.dashboard.shell import selection
from paretoscope.dashboard.shell.scope import Scope
from paretoscope.frontier.front import Frontier
from paretoscope.report.tables.table import Row
from paretoscope.trials.metrics import metric

ACROSS = 3
HIDDEN = "Its strategy is hidden above."
ON_FRONT = ":material/check: On the Pareto front: no other model dominates it."
REFERENCE = "A reference point, which is no compressed model: the front does not count it."
COMPARE, CLEAR = "compare_picks", "clear_picks"


def heading(count: int) -> str:
    return f"#### Picked models ({count})"


def draw(scope: Scope, found: Frontier, picked: Sequence[Row]) -> None:
    """Cards in rows of two or three; nothing when nothing is picked."""
    if not picked:
        return
    with st.container(
        horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"
    ):
        st.markdown(heading(len(picked)), width="content")
        with st.container(horizontal=True, width="content"):
            _buttons(len(picked))
    # At least two columns: the table of a chain's stages needs the width.
    across = min(ACROSS, max(2, len(picked)))
    for start in range(0, len(picked), ACROSS):
        for column, row in zip(st.columns(across), picked[start : start + ACROSS], strict=False):
            with column, st.container(border=True, height="stretch"):
                _card(scope, found, row)


def _buttons(count: int) -> None:
    label = "Compare" if count > 1 else "Compare with the baseline"
    if st.button(label, icon=":material/compare_arrows:", type="primary", key=COMPARE):
        st.switch_page("pages/compare.py")
    st.button(
        "Clear",
        icon=":material/close:",
        type="tertiary",
        on_click=selection.write,
        args=([],),
        key=CLEAR,
    )


def _card(scope: Scope, found: Frontier, row: Row) -> None:
    model_heading.draw(row)
    numbers = (f"{metric(key).label}: {row.number_and_change(key)}" for key in runs.shown(row))
    st.markdown("  \n".join(numbers))
    runs.timing_note(row)
    if paired := row.document.paired:
        unit = "Same top token" if paired.change else "Same prediction"
        agreement = f"{unit} for {paired.agreement * 100:.1f} %."
        st.caption(f"{test_summary.change_sentence(row)} {agreement}")
    st.markdown(standing(found, row.id))
    held_out.draw(scope, row)
    chain.draw(scope, row)
    runs.notes(row.document.notes)
    with st.container(horizontal=True):
        downloads.artifact(scope, row, key=f"tray_{row.id}")
        st.button(
            "Remove",
            icon=":material/close:",
            type="tertiary",
            on_click=selection.toggle,
            args=(row.id,),
            key=f"drop_{row.id}",
        )


def standing(found: Frontier, trial_id: str) -> str:
    """Whether a point is on the front; else what dominates it and what it lacks (markdown)."""
    if trial_id not in found.points:
        return HIDDEN
    if missing := found.not_comparable.get(trial_id):
        names = ", ".join(metric(key).label.lower() for key in missing)
        return f"Not comparable: {names} was not measured."
    if trial_id in found.on_front:
        return ON_FRONT
    if trial_id in found.references:
        return REFERENCE
    dominators = found.dominators(trial_id)
    text = f"Dominated by **{found.points[dominators[0]].shown_name}**"
    text += f" and {len(dominators) - 1} more" if len(dominators) > 1 else ""
    if trial_id in found.statistically_on_front:
        text += ", statistically indistinguishable from the front"
    needed = [change.in_words() for change in found.needed(trial_id)]
    return f"{text}." + (f" It would be on the front with {' or '.join(needed)}." if needed else "")
