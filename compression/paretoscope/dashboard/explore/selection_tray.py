"""The tray: each picked model as a card, with what dominates it, what it would take, and what can
be done with it.
"""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from paretoscope.dashboard.explore import held_out
from paretoscope.dashboard.parts import chain, downloads, runs, test_summary
from paretoscope.dashboard.shell import selection
from paretoscope.dashboard.shell.scope import Scope
from paretoscope.frontier.front import Frontier
from paretoscope.report.figures.palette import STYLES
from paretoscope.report.tables.table import Row
from paretoscope.trials.format import lost_and_gained
from paretoscope.trials.metrics import metric

ACROSS = 3


def draw(scope: Scope, found: Frontier, picked: Sequence[Row]) -> None:
    """Cards in rows of two or three; nothing when nothing is picked."""
    if not picked:
        return
    with st.container(
        horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"
    ):
        st.markdown(f"#### Picked ({len(picked)})", width="content")
        with st.container(horizontal=True, width="content"):
            label = "Compare" if len(picked) > 1 else "Compare with the baseline"
            if st.button(
                label, icon=":material/compare_arrows:", type="primary", key="compare_picks"
            ):
                st.switch_page("pages/compare.py")
            st.button(
                "Clear",
                icon=":material/close:",
                type="tertiary",
                on_click=selection.write,
                args=([],),
                key="clear_picks",
            )
    across = min(
        ACROSS, max(2, len(picked))
    )  # as wide as can be: the table of a chain's stages needs the room
    for start in range(0, len(picked), ACROSS):
        for column, row in zip(st.columns(across), picked[start : start + ACROSS], strict=False):
            with column, st.container(border=True, height="stretch"):
                _card(scope, found, row)


def _card(scope: Scope, found: Frontier, row: Row) -> None:
    style = STYLES[row.family]
    st.markdown(f"**{row.name}**")
    st.caption(
        f"{style.glyph} {style.label.lower()} · {row.document.protocol} protocol · trial `{row.id}`"
    )
    keys = runs.shown(row)
    st.markdown("  \n".join(f"{metric(key).label}: {row.number_and_change(key)}" for key in keys))
    if timed := row.timing_note():
        st.caption(f"{timed[0].upper()}{timed[1:]}.")
    if row.document.paired:
        paired = row.document.paired
        same = f"{paired.agreement * 100:.1f} %"
        answers = (
            f"The same likeliest token at {same}."
            if paired.change
            else f"{lost_and_gained(paired)}, {same} the same."
        )
        st.caption(f"{test_summary.lost(row)} {answers}")
    st.markdown(standing(found, row.id))
    held_out.draw(scope, row)
    chain.draw(scope, row)
    for line in row.document.notes:
        st.caption(line)
    with st.container(horizontal=True):
        downloads.artifact(scope, row, key=f"tray_{row.id}")
        st.button(
            "Drop",
            icon=":material/close:",
            type="tertiary",
            on_click=selection.toggle,
            args=(row.id,),
            key=f"drop_{row.id}",
        )


def standing(found: Frontier, id: str) -> str:
    """Where a point stands: on the front, or which one dominates it and what it would take, in
    markdown.
    """
    if id not in found.points:
        return "Its strategy is switched off above."
    if id in found.not_comparable:
        return (
            "Not comparable:"
            f" {', '.join(metric(key).label.lower() for key in found.not_comparable[id])} was not"
            " measured."
        )
    if id in found.on_front:
        return (
            ":material/check: On the front: no other model is at least as good in every objective"
            " and better in one."
        )
    dominators = found.dominators(id)
    words = f"Dominated by **{found.points[dominators[0]].shown_name}**" + (
        f" and {len(dominators) - 1} more" if len(dominators) > 1 else ""
    )
    near = ", within the error of the front" if id in found.statistically_on_front else ""
    needed = [change.in_words() for change in found.needed(id)]
    return f"{words}{near}." + (f" On the front with {' or '.join(needed)}." if needed else "")
