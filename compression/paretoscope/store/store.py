"""The store of a workspace: trials, their results, and the engine's heartbeat.

The verbs are in `trials.py` (reading), `summaries.py` (what tables and plots show), `queue.py`
(status of trials) and `engine_state.py` (heartbeat), the tables in `tables.py`. Derived facts such
as fronts are computed elsewhere and never stored.
"""

from __future__ import annotations

from typing import Self

from paretoscope.store.engine_state import EngineHeartbeat, EngineState, process_runs
from paretoscope.store.queue import TrialQueue
from paretoscope.store.summaries import Changes, MeasuredScope, ScopeKey, SummaryWriter
from paretoscope.store.tables import connect
from paretoscope.store.trials import SHORTEST_ID, JobRow, TrialRow, unfinished
from paretoscope.workspace import Workspace

__all__ = [
    "SHORTEST_ID",
    "Changes",
    "EngineState",
    "JobRow",
    "MeasuredScope",
    "ScopeKey",
    "Store",
    "TrialRow",
    "process_runs",
    "unfinished",
]


class Store(TrialQueue, SummaryWriter, EngineHeartbeat):
    """All state of a workspace that outlives a process.

    Processes: any number of processes may open the same workspace; the database is the only channel
    between pages, commands and the engine. With SQLite they must run on one host, or on hosts whose
    shared file system has working locks.

    Threads: one instance may be used from several threads. Every call is a transaction of its own
    and returns frozen values, never live rows.

    Ownership: anyone may queue, cancel, retry and prioritize trials and record a held-out result.
    Only the engine that holds the workspace's lock claims trials, records their progress and ends
    them.

    Ordering: `claim` returns the highest priority first, then the trial that was queued first. An
    attempt number, raised by each claim, fences off late results: an update by an earlier attempt
    changes nothing and returns False. A trial's measurements and its summary are written in the
    transaction that ends it. `version` increases with every visible change, after the change is
    committed.

    Errors: every method raises `StoreError` when the database cannot be read or written.
    """

    @classmethod
    def open(cls, workspace: Workspace) -> Self:
        """The store of a workspace; missing tables and summaries are added."""
        store = cls(connect(workspace.database_url, workspace.root), workspace.root)
        store.add_missing_summaries()
        return store
