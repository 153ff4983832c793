"""A trial in words: its model and data, and when it ended."""

from __future__ import annotations

from datetime import UTC, datetime

import streamlit as st

from paretoscope.store.store import TrialRow
from paretoscope.trials.format import duration, short

SHOWN = 12
"""Failed and finished trials that are listed until all are requested."""


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


def newest(name: str, rows: list[TrialRow]) -> list[TrialRow]:
    """The newest rows, or all when the toggle is on."""
    if len(rows) <= SHOWN or st.toggle(f"Show all {len(rows):,}", key=f"all_{name}"):
        return rows
    return rows[:SHOWN]
