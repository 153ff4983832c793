"""The engine as processes: killed, stopped, started twice. Real signals, real Dask, toy trials."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from paretoscope.engine import supervisor
from paretoscope.engine.client import ensure_engine, stop_engine, wait
from paretoscope.errors import EngineError
from paretoscope.store.store import EngineState, Store
from paretoscope.workspace import PROJECT, Workspace
from tests.engine.processes import TOY, gone, kill, toy, until
from tests.engine.toy_trials import pids, starts

Start = Callable[[], EngineState]


def test_after_a_kill_every_trial_finishes_once_and_no_process_is_left(
    start: Start, store: Store, workspace: Workspace
) -> None:
    slow, queued = store.queue(toy("slow-once")).trial_id, store.queue(toy("plain")).trial_id
    engine = start()
    until(lambda: pids(workspace, slow) and store.trial(slow).progress)
    kill(engine.pid)
    until(lambda: all(gone(pid) for pid in pids(workspace, slow)), 5)
    state = store.engine()
    assert state is not None
    assert not state.alive

    rows = wait(store, [slow, queued], function=TOY)  # it starts the next engine by itself
    assert [row.status for row in rows] == ["done", "done"]
    assert (starts(workspace, slow), starts(workspace, queued)) == (2, 1)
    assert [row.attempts for row in rows] == [2, 1]
    with store._engine.connect() as connection:
        finished = connection.execute(
            text(
                "select count(*), count(distinct trial_id) from measurements where metric ="
                " 'quality' and role = 'candidate'"
            )
        )
        assert finished.one() == (2, 2)


def test_stop_ends_everything_and_puts_the_trial_back(
    start: Start, store: Store, workspace: Workspace
) -> None:
    slow = store.queue(toy("slow")).trial_id
    engine = start()
    until(lambda: pids(workspace, slow))
    assert stop_engine(workspace)
    assert gone(engine.pid)
    until(lambda: all(gone(pid) for pid in pids(workspace, slow)), 2)
    assert store.trial(slow).status == "queued"
    assert store.engine() is None
    assert not stop_engine(workspace)


def test_a_second_engine_is_refused(start: Start, workspace: Workspace) -> None:
    first = start()
    again = subprocess.run(
        [sys.executable, "-m", "paretoscope", "--workspace", str(workspace.root), "engine"],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (again.returncode, again.stdout) == (2, "")
    assert (
        again.stderr == f"paretoscope: An engine is already running (pid {first.pid}); stop it with"
        " `paretoscope engine stop`.\n"
    )
    assert start().pid == first.pid


def test_many_that_ask_at_once_get_one_engine(start: Start, workspace: Workspace) -> None:
    seen: list[int] = []
    askers = [
        threading.Thread(target=lambda: seen.append(ensure_engine(workspace, function=TOY).pid))
        for _ in range(3)
    ]
    for asker in askers:
        asker.start()
    for asker in askers:
        asker.join()
    assert seen == [start().pid] * 3


def test_an_engine_that_cannot_start_says_why(workspace: Workspace, store: Store) -> None:
    store.queue(toy("plain"))
    (workspace.root / "engine.lock").mkdir()
    with pytest.raises(EngineError, match=r"did not start; last line of its log: .*engine\.lock"):
        ensure_engine(workspace)


class Calm:
    """A scheduler with nothing to do."""

    slots = 1

    def __init__(self, *_: object) -> None: ...

    def step(self) -> bool:
        return False

    def close(self) -> None: ...


@pytest.mark.parametrize(
    ("stays", "asked_ago", "ends"), [(False, 99, True), (False, 0, False), (True, 99, False)]
)
def test_it_ends_when_nobody_needs_it(
    workspace: Workspace, store: Store, stays: bool, asked_ago: float, ends: bool
) -> None:
    engine = supervisor.Engine(workspace, store, stays=stays, function=None, idle_seconds=60)
    store.engine_started(os.getpid(), stays=stays)
    with store._engine.begin() as connection:
        asked_at = (datetime.now(UTC) - timedelta(seconds=asked_ago)).replace(tzinfo=None)
        connection.execute(
            text("update engines set asked_at = :at"), {"at": asked_at.isoformat(sep=" ")}
        )
    assert engine._unused() is ends


def test_it_goes_on_when_somebody_asked_in_its_last_moment(
    workspace: Workspace, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    lives: list[int] = []

    def live(engine: supervisor.Engine) -> None:
        lives.append(engine.pid)
        if len(lives) == 1:
            store.queue(toy("plain"))
        else:
            store.claim()

    monkeypatch.setattr(supervisor.Engine, "run", live)
    supervisor.run_engine(workspace)
    assert len(lives) == 2


def test_the_heartbeat_does_not_wait_for_dask(start: Start, store: Store) -> None:
    assert until(lambda: start().alive, 5) < 3
    state = store.engine()
    assert state is not None
    assert not state.stays
