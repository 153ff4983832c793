"""All trials by state: running, queued, failed, finished.

The list polls only while a trial is live. Keys are trial ids, so widgets keep their state.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

import streamlit as st

from paretoscope.dashboard.parts import runs
from paretoscope.dashboard.parts.model_heading import title
from paretoscope.dashboard.shell import data
from paretoscope.dashboard.shell.engine_status import in_words
from paretoscope.dashboard.shell.measured import row_of
from paretoscope.dashboard.shell.scope import address
from paretoscope.recipes.short_name import short_names
from paretoscope.report.tables.table import Row
from paretoscope.store.store import TrialRow
from paretoscope.trials.format import duration, short
from paretoscope.trials.metrics import metric
from paretoscope.trials.trial import Status

SHOWN, MOST = 12, 200
"""Failed and finished trials that are listed, and after a click."""
NO_JOBS = "No jobs yet"
IDLE = "No job is running."
ABOUT = "A job makes and measures one compressed model. It continues after this page is closed."


def draw() -> None:
    st.fragment(_jobs, run_every=runs.POLL_SECONDS if data.live_trials() else None)()


def _jobs() -> None:
    if not data.statuses():
        _empty()
        return
    live = data.live_trials()
    running = [row for row in live if row.status == "running"]
    queued = [row for row in live if row.status == "queued"]
    st.caption(in_words(live) if live else IDLE)
    for row in running:
        st.caption(_where(row))
        runs.live(row, place="jobs")
    _queue(queued)
    _failed()
    _done()


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
        help="Run next",
        type="tertiary",
        key=f"up_{row.trial_id}",
        on_click=_prioritize,
        args=(row.trial_id, first.priority - row.priority + 1),
        disabled=row is first,
    )
    st.button(
        "",
        icon=":material/vertical_align_bottom:",
        help="Run last",
        type="tertiary",
        key=f"down_{row.trial_id}",
        on_click=_prioritize,
        args=(row.trial_id, last.priority - row.priority - 1),
        disabled=row is last,
    )
    st.button(
        "",
        icon=":material/close:",
        help="Cancel",
        type="tertiary",
        key=f"drop_{row.trial_id}",
        on_click=runs.cancel,
        args=(row.trial_id,),
    )


def _prioritize(trial_id: str, by: int) -> None:
    """Callback of the buttons that move a trial."""
    data.store().prioritize(trial_id, by)


def _failed() -> None:
    for row in _shown("failed", "Failed or cancelled", "failed", "cancelled"):
        runs.failed(row, place="jobs")


def _done() -> None:
    for trial in _shown("done", "Finished", "done"):
        if trial.document is not None:
            _finished(trial, row_of(trial.document))


def _finished(trial: TrialRow, row: Row) -> None:
    axes = row.summary.axes
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
            query_params=address(row.summary),
        )


def _shown(name: str, title: str, *statuses: Status) -> Sequence[TrialRow]:
    """A heading with the number of trials, and the newest of them; more when they are wanted."""
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


def _ago(row: TrialRow) -> str:
    """The time since the trial ended, and its duration."""
    if not row.finished_at:
        return ""
    ago = duration((datetime.now(UTC) - row.finished_at).total_seconds())
    if not row.started_at:
        return f"{ago} ago"
    return f"{ago} ago, took {duration((row.finished_at - row.started_at).total_seconds())}"
