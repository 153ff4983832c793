"""The trials that were started from the page: progress, then the result."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from paretoscope.dashboard.parts import runs
from paretoscope.dashboard.shell import data
from paretoscope.dashboard.shell.measured import row_of
from paretoscope.dashboard.shell.scope import Scope, address
from paretoscope.report.tables.table import Row
from paretoscope.store.store import TrialRow
from paretoscope.trials.format import when
from paretoscope.trials.request import TrialRequest
from paretoscope.trials.trial import LIVE

WATCHING = "watching"
"""Session state: ids of the trials that were started here."""
MOST = 3
"""Live trials that are shown."""
PLACE = "bench"
"""Part of the widget keys of this page."""
ALREADY = "Already measured"


def watching() -> list[str]:
    return list(st.session_state.get(WATCHING, []))


def draw(scope: Scope) -> None:
    """Progress and results of the watched trials and of whatever runs for this model."""
    running = [
        row
        for row in data.live_trials()
        if row.status == "running" and row.request.model == scope.model
    ]
    mine = {row.trial_id: row for row in (*running, *data.trials(watching()))}
    if mine:
        every = runs.POLL_SECONDS if runs.watched(list(mine.values())) else None
        st.fragment(_trials, run_every=every)(scope, list(mine))


def _trials(scope: Scope, ids: list[str]) -> None:
    rows = data.trials(ids)
    _live([row for row in rows if row.status in LIVE], data.live_trials())
    for row in rows:
        if row.status in ("failed", "cancelled"):
            runs.failed(row, place=PLACE)
    done = [row.document for row in rows if row.document and row.status == "done"]
    for document in done[-1:]:
        runs.result(scope, row_of(document), _close)


def _live(live: list[TrialRow], every: Sequence[TrialRow]) -> None:
    queued = [row for row in every if row.status == "queued"]
    ordered = sorted(live, key=lambda row: row.status != "running")
    for row in ordered[:MOST]:
        runs.live(row, place=PLACE, ahead=queued.index(row) if row in queued else 0)
    if len(live) > MOST:
        label = f"{len(live) - MOST} more in Jobs"
        st.page_link("pages/jobs.py", label=label, icon=":material/list_alt:")


def _close() -> None:
    """Remove results; live trials remain."""
    st.session_state[WATCHING] = [
        row.trial_id for row in data.trials(watching()) if row.status in LIVE
    ]
    st.rerun()


def already_measured(scope: Scope, request: TrialRequest) -> None:
    """A line when this recipe was measured here, or is among the points on the page."""
    if request.trial_id in watching():
        return
    trial = next(iter(data.trials([request.trial_id])), None)
    here = trial.document if trial else None
    shown = scope.table.by_recipe.get(request.recipe.id)
    row = Row(here) if here else shown
    if row is None:
        return
    demo = scope.demo and not here
    where = "in the demo study" if demo else "on this machine" if here or scope.here else "before"
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(
            f":material/check_circle: {ALREADY} {where}, {when(row.summary)}.", width="content"
        )
        st.page_link(
            "pages/explore.py",
            label="Show in Explore",
            icon=":material/scatter_plot:",
            query_params=address(row.summary, demo=demo),
        )
