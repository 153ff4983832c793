"""Trials in Dask workers: results, failures, cancellation. One engine serves a whole test."""

from __future__ import annotations

import time
from collections.abc import Callable
from types import SimpleNamespace

import pytest

from paretoscope.engine.client import wait
from paretoscope.engine.scheduler import Scheduler
from paretoscope.store.store import EngineState, Store
from paretoscope.workspace import Workspace
from tests.engine.processes import TOY, gone, kill, toy, until
from tests.engine.toy_trials import pids, starts

Start = Callable[[], EngineState]


def test_each_end_is_recorded_with_its_reason_and_log(
    start: Start, store: Store, workspace: Workspace
) -> None:
    start()
    ids = [
        store.queue(toy(model)).trial_id
        for model in ("talks", "fails", "surprises", "dies", "dies-once")
    ]
    talks, fails, surprises, dies, dies_once = wait(store, ids, function=TOY)
    assert talks.status == "done"
    log = workspace.log(talks.trial_id).read_text()
    assert "said by print" in log
    assert "said by a child" in log
    assert (fails.status, fails.error) == ("failed", "The toy is broken; buy another one.")
    assert surprises.status == "failed"
    assert "Unexpected KeyError" in (surprises.error or "")
    assert "Traceback" in workspace.log(surprises.trial_id).read_text()
    assert (dies.status, dies.attempts, starts(workspace, dies.trial_id)) == ("failed", 2, 2)
    assert "lost twice, the last time killed from outside" in (dies.error or "")
    assert (dies_once.status, dies_once.attempts) == ("done", 2)


def test_cancel_ends_the_work_and_all_it_started_within_two_seconds(
    start: Start, store: Store, workspace: Workspace
) -> None:
    start()
    slow, after = store.queue(toy("slow")).trial_id, store.queue(toy("plain")).trial_id
    until(lambda: pids(workspace, slow) and store.trial(slow).progress)
    began = time.monotonic()
    store.request_cancel(slow)
    until(
        lambda: (
            store.trial(slow).status == "cancelled"
            and all(gone(pid) for pid in pids(workspace, slow))
        ),
        5,
    )
    assert time.monotonic() - began < 2
    assert not list(workspace.artifacts.glob(".*")), "nothing half-made stays"
    [row] = wait(store, [after], function=TOY)
    assert (row.status, row.attempts) == ("done", 1)


def test_a_killed_worker_is_replaced_and_its_trial_runs_again(
    start: Start, store: Store, workspace: Workspace
) -> None:
    engine = start()
    slow, after = store.queue(toy("slow-once")).trial_id, store.queue(toy("plain")).trial_id
    until(lambda: pids(workspace, slow))
    worker, child = pids(workspace, slow)
    kill(worker)
    rows = wait(store, [slow, after], function=TOY)
    assert [(row.status, row.attempts, row.lost) for row in rows] == [
        ("done", 2, 1),
        ("done", 1, 0),
    ]
    assert gone(child)
    state = store.engine()
    assert state is not None
    assert state.pid == engine.pid, "the engine never noticed"


@pytest.mark.filterwarnings("error::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_cluster_that_does_not_close_in_time_is_left(
    store: Store, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed: list[str] = []

    def connection(name: str) -> SimpleNamespace:
        def close(timeout: float) -> None:
            closed.append(name)
            raise TimeoutError(f"timed out after {timeout} s")

        return SimpleNamespace(close=close)

    connected = connection("cluster"), connection("client"), 1
    monkeypatch.setattr(Scheduler, "_connect", lambda _: connected)
    Scheduler(store, workspace).close()
    assert closed == ["client", "cluster"]
