"""The commands `jobs`, `cancel` and `engine`: the queue, and the process that works on it."""

from __future__ import annotations

import os
import sys
from typing import Any, NoReturn

from paretoscope.cli import text
from paretoscope.cli.requests import CancelRequest, EngineRequest, JobsRequest
from paretoscope.cli.verbs import Answer
from paretoscope.engine.client import stop_engine
from paretoscope.store.store import Store
from paretoscope.trials.trial import LIVE, Status
from paretoscope.workspace import Workspace

ENDED: tuple[Status, ...] = ("done", "failed", "cancelled")
NEWEST = 100
"""Ended trials that are printed as text."""


def jobs(request: JobsRequest, workspace: Workspace) -> Answer:
    """Every trial of the workspace; as text the live ones and the newest that ended."""
    store = Store.open(workspace)

    def content() -> dict[str, Any]:
        return {"trials": [text.job_json(row) for row in store.jobs()]}

    def shown() -> str:
        live, ended = store.trials(statuses=LIVE), store.ended(*ENDED, newest=NEWEST)
        count = sum(store.statuses().get(status, 0) for status in ENDED)
        return text.jobs(live, ended, count - len(ended))

    return Answer(content, shown)


def cancel(request: CancelRequest, workspace: Workspace) -> Answer:
    """End trials; all must exist before any is cancelled."""
    store = Store.open(workspace)
    ids = [store.find(start).trial_id for start in request.trials]
    rows = [store.request_cancel(trial_id) for trial_id in dict.fromkeys(ids)]
    found = [
        {"trial_id": row.trial_id, "status": row.status, "cancel_requested": row.cancel_requested}
        for row in rows
    ]
    return Answer({"trials": found}, "\n".join(text.cancelled(row) for row in rows))


def engine(request: EngineRequest, workspace: Workspace) -> Answer:
    """Run the engine in this process, stop the one that runs, or describe it."""
    if request.action is None:
        _run(request, workspace)
    if request.action == "stop":
        stopped = stop_engine(workspace)
        return Answer(
            {"stopped": stopped}, "The engine has ended." if stopped else "No engine was running."
        )
    store = Store.open(workspace)
    state, statuses = store.engine(), store.statuses()
    alive = state if state is not None and state.alive else None
    found = {
        "alive": alive is not None,
        "pid": alive.pid if alive else None,
        "host": alive.host if alive else None,
        "stays": bool(alive and alive.stays),
        "running": statuses.get("running", 0),
        "queued": statuses.get("queued", 0),
    }
    return Answer(found, text.engine(found))


def _run(request: EngineRequest, workspace: Workspace) -> NoReturn:
    from paretoscope.engine.supervisor import run_engine, write_log  # loads Dask

    write_log()
    run_engine(workspace, stays=not request.ends_when_idle, function=request.trial_function)
    sys.stderr.flush()
    os._exit(0)  # everything is stored by now, and Dask's exit handlers can take long
