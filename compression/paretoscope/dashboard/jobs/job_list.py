"""The jobs of this workspace: running and waiting, then failed, then finished.

Only the part with live trials polls. Keys are trial ids, so widgets keep their state.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

import streamlit as st

from paretoscope.dashboard.jobs import failed, finished, running, waiting
from paretoscope.dashboard.parts import runs
from paretoscope.dashboard.shell import data, url_widgets
from paretoscope.dashboard.shell.engine_status import in_words
from paretoscope.store.store import TrialRow
from paretoscope.trials.trial import LIVE

STATUSES = {
    "running": "Running",
    "queued": "Waiting",
    "failed": "Failed",
    "cancelled": "Cancelled",
    "done": "Finished",
}
"""Status -> its name on the page, in the order of the page."""
NO_JOBS = "No jobs yet"
ABOUT = (
    "A job makes one compressed model and measures it against the original. It continues after this"
    " page is closed, and resumes after a restart."
)
IDLE = "No job is running."
NONE_SHOWN = "No job has this status: choose another above."


def draw() -> None:
    rows = data.trials()
    if not rows:
        _empty()
        return
    shown = _filter(rows)
    live = {"running", "queued"} & set(shown)
    if live:
        st.fragment(_live, run_every=runs.POLL_SECONDS if data.live_trials() else None)(shown)
    ended = sorted(
        (row for row in rows if row.status not in LIVE and row.status in shown),
        key=lambda row: row.finished_at or row.queued_at,
        reverse=True,
    )
    failed.draw([row for row in ended if row.status != "done"])
    finished.draw([row for row in ended if row.status == "done"])
    if not any(row.status in shown for row in rows):
        st.caption(NONE_SHOWN)


def _filter(rows: Sequence[TrialRow]) -> list[str]:
    """Chips with the number of jobs of each status; all are shown at first."""
    counts = {status: sum(row.status == status for row in rows) for status in STATUSES}
    return url_widgets.chips(
        "Status",
        list(STATUSES),
        key="status",
        default=list(STATUSES),
        format_func=partial(_counted, counts),
        label_visibility="collapsed",
    )


def _counted(counts: Mapping[str, int], status: str) -> str:
    return f"{STATUSES[status]} {counts[status]:,}"


def _live(shown: Sequence[str]) -> None:
    """Running and waiting trials, with the time left of all of them."""
    rows = data.trials()
    live = [row for row in rows if row.status in LIVE]
    st.markdown(f"**{in_words(rows)}**" if live else IDLE)
    if "running" in shown:
        for row in live:
            if row.status == "running":
                running.draw(row)
    if "queued" in shown:
        waiting.draw(live)


def _empty() -> None:
    with st.container(border=True):
        st.markdown(f"### {NO_JOBS}")
        st.markdown(ABOUT)
        with st.container(horizontal=True):
            st.page_link("pages/compress.py", label="Create a recipe", icon=":material/compress:")
            st.page_link(
                "pages/library.py", label="Bring your model", icon=":material/upload_file:"
            )
