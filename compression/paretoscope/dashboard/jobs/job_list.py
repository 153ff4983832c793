"""Every trial by what a person can do with it: running, queued, failed, finished.

It asks again by itself only while something is live; keys are trial ids, so nothing loses its
place.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

import streamlit as st

from paretoscope.dashboard.parts import runs
from paretoscope.dashboard.shell import data
from paretoscope.dashboard.shell.engine_status import in_words
from paretoscope.dashboard.shell.scope import address
from paretoscope.report.tables.table import row_among
from paretoscope.store.store import TrialRow
from paretoscope.trials.format import duration, short
from paretoscope.trials.metrics import metric

SHOWN = 12
"""Failed and finished trials that are listed before "show all"."""


def draw() -> None:
    st.fragment(_jobs, run_every=runs.POLL_SECONDS if data.live_trials() else None)()


def _jobs() -> None:
    rows = data.trials()
    running = [row for row in rows if row.status == "running"]
    queued = [row for row in rows if row.status == "queued"]
    ended = sorted(
        (row for row in rows if row.finished_at),
        key=lambda row: row.finished_at or row.queued_at,
        reverse=True,
    )
    failed = [row for row in ended if row.status in ("failed", "cancelled")]
    done = [row for row in ended if row.status == "done"]
    if not rows:
        _nothing()
        return
    if running or queued:
        st.caption(in_words(rows))
    else:
        st.caption("Nothing is running.")
    for row in running:
        st.caption(f"{short(row.request.model)} on {short(row.request.task)}")
        runs.live(row, place="jobs")
    _queue(queued)
    _failed(failed)
    _done(done)


def _nothing() -> None:
    with st.container(border=True):
        st.markdown("### No jobs yet")
        st.markdown(
            "A job makes one compressed model and measures it. It goes on when this page is closed."
        )
        st.page_link("pages/compress.py", label="Make a recipe", icon=":material/compress:")


def _queue(queued: Sequence[TrialRow]) -> None:
    """In the order in which they will run, with buttons to move and to cancel."""
    if not queued:
        return
    store = data.store()
    st.markdown(f"#### Queue ({len(queued)})")
    for place, row in enumerate(queued):
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            words = (
                f"{place + 1}. **{row.request.recipe.in_words()}** :gray[{short(row.request.model)}"
                f" on {short(row.request.task)}]"
            )
            st.markdown(words, width="stretch")
            first, last = queued[0].priority, queued[-1].priority
            up = {
                "on_click": store.prioritize,
                "args": (row.trial_id, first - row.priority + 1),
                "disabled": place == 0,
            }
            down = {
                "on_click": store.prioritize,
                "args": (row.trial_id, last - row.priority - 1),
                "disabled": place == len(queued) - 1,
            }
            st.button(
                "",
                icon=":material/vertical_align_top:",
                help="Run it next",
                type="tertiary",
                key=f"up_{row.trial_id}",
                **up,
            )
            st.button(
                "",
                icon=":material/vertical_align_bottom:",
                help="Run it last",
                type="tertiary",
                key=f"down_{row.trial_id}",
                **down,
            )
            cancel = {"on_click": store.request_cancel, "args": (row.trial_id,)}
            st.button(
                "",
                icon=":material/close:",
                help="Cancel it",
                type="tertiary",
                key=f"drop_{row.trial_id}",
                **cancel,
            )


def _failed(failed: Sequence[TrialRow]) -> None:
    if not failed:
        return
    st.markdown(f"#### Without a result ({len(failed)})")
    for row in failed[: None if _all("failed", failed) else SHOWN]:
        runs.failed(row, place="jobs")


def _done(done: Sequence[TrialRow]) -> None:
    if not done:
        return
    st.markdown(f"#### Finished ({len(done)})")
    for row in done[: None if _all("done", done) else SHOWN]:
        if row.document is None:
            continue
        made = row_among(row.document, data.documents())
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            words = (
                f"**{made.name}** :gray[{short(row.request.model)} on {short(row.request.task)},"
                f" {_ago(row)}]  \n"
            )
            axes = row.document.axes
            words += metric(axes.quality).before + " · ".join(
                made.number_and_change(key) for key in (axes.quality, axes.time, axes.size)
            )
            st.markdown(words, width="stretch")
            st.page_link(
                "pages/explore.py",
                label="Open",
                icon=":material/scatter_plot:",
                query_params=address(row.document),
            )


def _all(name: str, rows: Sequence[TrialRow]) -> bool:
    return len(rows) > SHOWN and st.toggle(f"Show all {len(rows)}", key=f"all_{name}")


def _ago(row: TrialRow) -> str:
    """How long ago it ended and how long it took."""
    if not row.finished_at:
        return ""
    ago = duration((datetime.now(UTC) - row.finished_at).total_seconds())
    took = (
        f", took {duration((row.finished_at - row.started_at).total_seconds())}"
        if row.started_at
        else ""
    )
    return f"{ago} ago{took}"
