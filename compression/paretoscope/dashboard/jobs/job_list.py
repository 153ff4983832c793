"""All trials by state: running, queued, failed, finished.

The list polls only while a trial is live. Keys are trial ids, so widgets keep their state.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

import streamlit as st

from paretoscope.dashboard.parts import runs
from paretoscope.dashboard.parts.model_heading import title
from paretoscope.dashboard.shell import data, permissions
from paretoscope.dashboard.shell.engine_status import in_words
from paretoscope.dashboard.shell.scope import address
from paretoscope.recipes.short_name import short_names
from paretoscope.report.tables.table import Row, row_among
from paretoscope.store.store import TrialRow
from paretoscope.trials.format import duration, short
from paretoscope.trials.metrics import metric

SHOWN = 12
"""Failed and finished trials that are listed until all are requested."""
NO_JOBS = "No jobs yet"
IDLE = "No job is running."
ABOUT = "A job makes and measures one compressed model. It continues after this page is closed."


def draw() -> None:
    st.fragment(_jobs, run_every=runs.POLL_SECONDS if data.live_trials() else None)()


def _jobs() -> None:
    rows = data.trials()
    if not rows:
        _empty()
        return
    running = [row for row in rows if row.status == "running"]
    queued = [row for row in rows if row.status == "queued"]
    ended = sorted(
        (row for row in rows if row.finished_at),
        key=lambda row: row.finished_at or row.queued_at,
        reverse=True,
    )
    st.caption(in_words(rows) if running or queued else IDLE)
    for row in running:
        st.caption(_where(row))
        runs.live(row, place="jobs")
    _queue(queued)
    _failed([row for row in ended if row.status in ("failed", "cancelled")])
    _done([row for row in ended if row.status == "done"])


def _where(row: TrialRow) -> str:
    return f"{short(row.request.model)} on {short(row.request.task)}"


def _empty() -> None:
    with st.container(border=True):
        st.markdown(f"### {NO_JOBS}")
        st.markdown(ABOUT)
        st.page_link("pages/compress.py", label="Create a recipe", icon=":material/compress:")


def heading(name: str, count: int) -> str:
    return f"#### {name} ({count})"


def _queue(queued: Sequence[TrialRow]) -> None:
    """In the order of execution, with buttons to move and to cancel."""
    if not queued:
        return
    st.markdown(heading("Queue", len(queued)))
    names = short_names([row.request.recipe for row in queued])
    for number, (row, name) in enumerate(zip(queued, names, strict=True), start=1):
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.markdown(
                f"{number}. **{name}** :gray[{_where(row)}]",
                width="stretch",
                help=row.request.recipe.in_words(),
            )
            _move_buttons(row, queued)


def _move_buttons(row: TrialRow, queued: Sequence[TrialRow]) -> None:
    first, last = queued[0], queued[-1]
    st.button(
        "",
        icon=":material/vertical_align_top:",
        help=permissions.reason() or "Run next",
        type="tertiary",
        key=f"up_{row.trial_id}",
        on_click=_prioritize,
        args=(row.trial_id, first.priority - row.priority + 1),
        disabled=row is first or not permissions.may_act(),
    )
    st.button(
        "",
        icon=":material/vertical_align_bottom:",
        help=permissions.reason() or "Run last",
        type="tertiary",
        key=f"down_{row.trial_id}",
        on_click=_prioritize,
        args=(row.trial_id, last.priority - row.priority - 1),
        disabled=row is last or not permissions.may_act(),
    )
    st.button(
        "",
        icon=":material/close:",
        help=permissions.reason() or "Cancel",
        type="tertiary",
        key=f"drop_{row.trial_id}",
        on_click=runs.cancel,
        args=(row.trial_id,),
        disabled=not permissions.may_act(),
    )


def _prioritize(trial_id: str, by: int) -> None:
    """Callback of the buttons that move a trial."""
    data.store().prioritize(trial_id, by)


def _failed(failed: Sequence[TrialRow]) -> None:
    if not failed:
        return
    st.markdown(heading("Failed or cancelled", len(failed)))
    for row in _shown("failed", failed):
        runs.failed(row, place="jobs")


def _done(done: Sequence[TrialRow]) -> None:
    if not done:
        return
    st.markdown(heading("Finished", len(done)))
    for trial in _shown("done", done):
        if trial.document is not None:
            _finished(trial, row_among(trial.document, data.documents()))


def _finished(trial: TrialRow, row: Row) -> None:
    axes = row.document.axes
    numbers = " · ".join(row.number_and_change(key) for key in (axes.quality, axes.time, axes.size))
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.markdown(
            f"**{title(row)}** :gray[{_where(trial)}, {_ago(trial)}]  \n"
            f"{metric(axes.quality).before}{numbers}",
            width="stretch",
            help=row.name,
        )
        st.page_link(
            "pages/explore.py",
            label="Show in Explore",
            icon=":material/scatter_plot:",
            query_params=address(row.document),
        )


def _shown(name: str, rows: Sequence[TrialRow]) -> Sequence[TrialRow]:
    """The newest rows, or all when the toggle is on."""
    if len(rows) <= SHOWN or st.toggle(f"Show all {len(rows)}", key=f"all_{name}"):
        return rows
    return rows[:SHOWN]


def _ago(row: TrialRow) -> str:
    """The time since the trial ended, and its duration."""
    if not row.finished_at:
        return ""
    ago = duration((datetime.now(UTC) - row.finished_at).total_seconds())
    if not row.started_at:
        return f"{ago} ago"
    return f"{ago} ago, took {duration((row.finished_at - row.started_at).total_seconds())}"
