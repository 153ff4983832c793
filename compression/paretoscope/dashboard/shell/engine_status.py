"""The engine in one line of the sidebar: idle, how far it is, or down with the button that starts
it.
"""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from paretoscope.dashboard.shell import data
from paretoscope.dashboard.shell.durations import seconds_left
from paretoscope.errors import ParetoscopeError
from paretoscope.store.store import TrialRow
from paretoscope.trials.format import duration
from paretoscope.trials.trial import LIVE

POLL_SECONDS = 2.0


def draw() -> None:
    """The line; it asks again by itself only while something is queued or running."""
    st.fragment(_line, run_every=POLL_SECONDS if data.live_trials() else None)()


def _line() -> None:
    rows = data.trials()
    live = [row for row in rows if row.status in LIVE]
    engine = data.store().engine()
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        if engine is None or not engine.alive:
            _down(len(live))
        elif live:
            st.page_link("pages/jobs.py", label=in_words(rows), icon=":material/autorenew:")
        else:
            st.caption(":material/check_circle: Engine idle")
    _rerun_when_something_ended(rows, bool(live))


def _down(waiting: int) -> None:
    """What is missing and what still works, with the way out."""
    if waiting:
        st.caption(
            f":material/warning: Engine down, {waiting} waiting. Everything measured can still be"
            " read."
        )
    else:
        st.caption(":material/bedtime: Engine off. It starts with the first job.")
    if st.button(
        "Start",
        key="start_engine",
        type="primary" if waiting else "tertiary",
        icon=":material/play_arrow:",
    ):
        try:
            with st.spinner("Starting"):
                data.start_engine()
        except ParetoscopeError as error:
            st.error(str(error))
        else:
            st.rerun()


def _rerun_when_something_ended(rows: Sequence[TrialRow], live: bool) -> None:
    """The rest of the page is drawn again when a trial has ended since it was drawn, or polling has
    to begin or stop.
    """
    ended = sum(row.status not in LIVE for row in rows)
    seen = st.session_state.get("ended_seen")
    st.session_state["ended_seen"] = (ended, live)
    if seen is not None and seen != (ended, live):
        st.rerun()


def in_words(rows: Sequence[TrialRow]) -> str:
    """How far the present batch is: everything that ended since its oldest live trial was queued,
    and everything live.
    """
    live = [row for row in rows if row.status in LIVE]
    if not live:
        return "idle"
    since = min(row.queued_at for row in live)
    batch = [
        row for row in rows if row.status == "done" and row.finished_at and row.finished_at >= since
    ]
    total = len(batch) + len(live)
    left = seconds_left(live)
    about = f", about {duration(left)} left" if left is not None else ""
    return f"{len(batch)} of {total} measured{about}" if total > 1 else f"Measuring{about}"
