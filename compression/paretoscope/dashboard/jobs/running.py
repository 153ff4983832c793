"""A running trial: its steps, the time left as a range, its log, and the button that cancels it."""

from __future__ import annotations

import streamlit as st

from paretoscope.dashboard.jobs.described import where
from paretoscope.dashboard.parts import runs
from paretoscope.dashboard.shell import permissions
from paretoscope.recipes.short_name import short_name
from paretoscope.store.store import TrialRow
from paretoscope.trials.progress import WAITING
from paretoscope.whatif.durations import steps_of

BUSY = (
    "Another job computes or is measured. A speed measurement has the machine to itself, so that"
    " nothing disturbs it."
)


def draw(row: TrialRow) -> None:
    recipe = row.request.recipe
    with st.container(border=True):
        with st.container(
            horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"
        ):
            st.markdown(
                f"**{short_name(recipe)}** :gray[{where(row)}]",
                width="content",
                help=recipe.in_words(),
            )
            permissions.button(
                "Cancel",
                icon=":material/stop_circle:",
                type="tertiary",
                key=f"cancel_jobs_{row.trial_id}",
                why_not="It is being cancelled." if row.cancel_requested else "",
                act=lambda: runs.cancel(row.trial_id),
            )
        st.progress(runs.share_done(row), text=runs.progress_in_words(row))
        st.caption(steps(row))
        if row.progress and row.progress.stage == WAITING:
            st.caption(f":material/hourglass_empty: {BUSY}")
        runs.log(row, "jobs")


def steps(row: TrialRow) -> str:
    """All steps: done ones with a check mark, the current one in bold."""
    names = list(steps_of(row.request.recipe))
    number = row.progress.stage_number if row.progress else 0
    marked = [
        f"✓ {name}" if at < number else f"**{name}**" if at == number else name
        for at, name in enumerate(names, start=1)
    ]
    return " · ".join(marked)
