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
from paretoscope.trials.trial import Status

STATUSES: dict[Status, str] = {
    "running": "Running",
    "queued": "Waiting",
    "failed": "Failed",
    "cancelled": "Cancelled",
    "done": "Finished",
}
"""Status -> its name on the page, in the order of the page."""
FAILED: tuple[Status, ...] = ("failed", "cancelled")
NO_JOBS = "No jobs yet"
ABOUT = (
    "A job makes one compressed model and measures it against the original. It continues after this"
    " page is closed, and resumes after a restart."
)
IDLE = "No job is running."
NONE_SHOWN = "No job has this status: choose another above."


def draw() -> None:
    counts = data.statuses()
    if not counts:
        _empty()
        return
    shown = _filter(counts)
    if {"running", "queued"} & set(shown):
        st.fragment(_live, run_every=runs.POLL_SECONDS if data.live_trials() else None)(shown)
    failed.draw([status for status in FAILED if status in shown])
    if "done" in shown:
        finished.draw()
    if not any(count for status, count in counts.items() if status in shown):
        st.caption(NONE_SHOWN)


def _filter(counts: Mapping[Status, int]) -> list[str]:
    """Chips with the number of jobs of each status; all are shown at first."""
    return url_widgets.chips(
        "Status",
        list(STATUSES),
        key="status",
        default=list(STATUSES),
        format_func=partial(_counted, counts),
        label_visibility="collapsed",
    )


def _counted(counts: Mapping[Status, int], status: Status) -> str:
    return f"{STATUSES[status]} {counts.get(status, 0):,}"


def _live(shown: Sequence[str]) -> None:
    """Running and waiting trials, with the time left of all of them."""
    live = data.live_trials()
    st.markdown(f"**{in_words(live)}**" if live else IDLE)
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
