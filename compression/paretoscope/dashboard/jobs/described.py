"""A trial in words: its model and data, and when it ended."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

import streamlit as st

from paretoscope.dashboard.shell import data
from paretoscope.store.store import TrialRow
from paretoscope.trials.format import duration, short
from paretoscope.trials.trial import Status

SHOWN, MOST = 12, 200
"""Failed and finished trials that are listed, and after a click."""


def heading(name: str, count: int) -> str:
    return f"#### {name} ({count:,})"


def where(row: TrialRow) -> str:
    return f"{short(row.request.model)} on {short(row.request.task)}"


def ago(row: TrialRow) -> str:
    """The time since the trial ended, and its duration."""
    if not row.finished_at:
        return ""
    since = duration((datetime.now(UTC) - row.finished_at).total_seconds())
    if not row.started_at:
        return f"{since} ago"
    return f"{since} ago, took {duration((row.finished_at - row.started_at).total_seconds())}"


def newest(name: str, title: str, *statuses: Status) -> Sequence[TrialRow]:
    """A heading with the number of trials, and the newest of them; more when the toggle is on."""
    count = sum(data.statuses().get(status, 0) for status in statuses)
    if not count:
        return ()
    st.markdown(heading(title, count))
    shown = SHOWN
    if count > SHOWN and st.toggle(f"Show {_more(count)}", key=f"all_{name}"):
        shown = MOST
    return data.ended(*statuses, newest=shown)


def _more(count: int) -> str:
    return f"all {count}" if count <= MOST else f"the newest {MOST}"
