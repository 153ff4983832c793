"""The state of the engine in the sidebar, with a button that starts it."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from paretoscope.dashboard.shell import data, permissions
from paretoscope.dashboard.shell.durations import seconds_left
from paretoscope.errors import ParetoscopeError
from paretoscope.store.store import TrialRow
from paretoscope.trials.format import duration_range
from paretoscope.trials.trial import LIVE

POLL_SECONDS = 2.0
IDLE = ":material/check_circle: Engine idle"
OFF = ":material/bedtime: Engine off. It starts with the first job."
STAYS_OFF = ":material/bedtime: Engine off."
READ_ONLY = ":material/visibility: Read-only: results can be seen, nothing can be changed."


def draw() -> None:
    """The line; it polls only while a trial is queued or running."""
    if not permissions.may_act():
        st.caption(READ_ONLY)
    st.fragment(_line, run_every=POLL_SECONDS if data.live_trials() else None)()


def _line() -> None:
    live = data.live_trials()
    engine = data.store().engine()
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        if engine is None or not engine.alive:
            _stopped(len(live))
        elif live:
            st.page_link("pages/jobs.py", label=in_words(live), icon=":material/autorenew:")
        else:
            st.caption(IDLE)
    _rerun_on_change(bool(live))


def stopped(queued: int) -> str:
    """The message while the engine is not running and trials are queued."""
    trials = "1 trial is" if queued == 1 else f"{queued} trials are"
    return f":material/warning: The engine is not running; {trials} queued."


def _stopped(queued: int) -> None:
    st.caption(stopped(queued) if queued else OFF if permissions.may_act() else STAYS_OFF)
    if permissions.button(
        "Start engine",
        key="start_engine",
        type="primary" if queued else "tertiary",
        icon=":material/play_arrow:",
    ):
        try:
            with st.spinner("Starting the engine"):
                data.start_engine()
        except ParetoscopeError as error:
            st.error(str(error))
        else:
            st.rerun()


def _rerun_on_change(live: bool) -> None:
    """Draw the page again when a trial has ended, or when polling starts or stops."""
    ended = sum(count for status, count in data.statuses().items() if status not in LIVE)
    seen = st.session_state.get("ended_seen")
    st.session_state["ended_seen"] = (ended, live)
    if seen is not None and seen != (ended, live):
        st.rerun()


def in_words(live: Sequence[TrialRow]) -> str:
    """Progress of the current batch.

    The batch is every live trial and every trial that finished since the oldest live one was
    queued.
    """
    if not live:
        return "idle"
    finished = data.finished_since(min(row.queued_at for row in live))
    total = finished + len(live)
    left = seconds_left(live)
    about = f", {duration_range(*left)} left" if left is not None else ""
    return f"{finished} of {total} measured{about}" if total > 1 else f"Measuring{about}"
