"""Starts and stops the engine and waits for trials; pages and commands use it.

It communicates through the store and signals only, and imports neither Dask nor torch.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence

from paretoscope.errors import EngineError
from paretoscope.store.store import EngineState, Store, TrialRow, process_runs
from paretoscope.trials.trial import LIVE
from paretoscope.workspace import Workspace, subprocess_python_path

START_SECONDS = 30.0
STOP_SECONDS = 15.0
POLL_SECONDS = 0.2
RESTARTS = 3

_starting = threading.Lock()


def ensure_engine(
    workspace: Workspace, *, stays: bool = False, function: str | None = None
) -> EngineState:
    """The engine of `workspace`; it is started when none is alive.

    With `stays` it does not end when idle. `function` ("module:name") replaces the trial function.
    Raises `EngineError` when the engine does not start.
    """
    store = Store.open(workspace)
    try:
        with _starting:
            state = _alive(store)
            if state is None:
                state = _start(workspace, store, stays=stays, function=function)
            store.request_engine(stays=stays)
            return state
    finally:
        store.close()


def stop_engine(workspace: Workspace) -> bool:
    """Stop the engine; its running trials are queued again. False when none was alive."""
    store = Store.open(workspace)
    try:
        state = _alive(store)
        if state is None:
            return False
        if state.host != socket.gethostname():
            raise EngineError(f"The engine runs on {state.host} (pid {state.pid}); stop it there.")
        _signal(state.pid, signal.SIGTERM)
        if not _until(lambda: not process_runs(state.pid), STOP_SECONDS):
            _signal(state.pid, signal.SIGKILL)
            if not _until(lambda: not process_runs(state.pid), STOP_SECONDS):
                raise EngineError(
                    f"The engine (pid {state.pid}) does not stop; see"
                    f" {workspace.logs / 'engine.log'} and kill the process."
                )
        return True
    finally:
        store.close()


def wait(
    store: Store,
    ids: Sequence[str],
    on_progress: Callable[[list[TrialRow]], None] | None = None,
    *,
    function: str | None = None,
) -> list[TrialRow]:
    """Wait until every trial of `ids` has ended, and return their rows in that order.

    `on_progress` is called with the rows after every change. An engine that has died is restarted
    up to three times; then `EngineError` is raised.
    """
    workspace = Workspace(store.root)
    seen, checked_at, restarts = -1, 0.0, 0
    while True:
        version = store.version()
        if version != seen:
            seen = version
            found = {row.trial_id: row for row in store.trials(ids=ids)}
            rows = [found[trial_id] for trial_id in ids]
            if on_progress:
                on_progress(rows)
            if not any(row.status in LIVE for row in rows):
                return rows
        if time.monotonic() - checked_at > 1:
            checked_at = time.monotonic()
            if _alive(store) is None:
                restarts += 1
                if restarts > RESTARTS:
                    raise EngineError(
                        f"The engine ended {RESTARTS} times during these trials; {_why(workspace)}."
                    )
                ensure_engine(workspace, function=function)
        time.sleep(POLL_SECONDS)


def _start(workspace: Workspace, store: Store, *, stays: bool, function: str | None) -> EngineState:
    """Start the engine detached, so that it outlives this process and its terminal."""
    workspace.logs.mkdir(parents=True, exist_ok=True)
    # -P: files in the current folder must not shadow modules
    command = [sys.executable, "-P", "-m", "paretoscope"]
    command += ["--workspace", str(workspace.root), "engine"]
    command += [] if stays else ["--ends-when-idle"]
    command += ["--trial-function", function] if function else []
    with (workspace.logs / "engine.log").open("ab") as log:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            cwd=workspace.root,
            env={**os.environ, "PYTHONPATH": subprocess_python_path()},
        )
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        # the live engine may be another one: if two start at once, one of them gives way
        if state := _alive(store):
            return state
        if process.poll() is not None:
            break
        time.sleep(0.05)
    if _until(lambda: _alive(store) is not None, 1) and (state := _alive(store)):
        return state
    raise EngineError(f"The engine did not start; {_why(workspace)}.")


def _why(workspace: Workspace) -> str:
    path = workspace.logs / "engine.log"
    lines = (
        [line for line in path.read_text(errors="replace").splitlines() if line.strip()]
        if path.exists()
        else []
    )
    last = f"last line of its log: {lines[-1].strip().rstrip('.')}" if lines else "its log is empty"
    return f"{last} (see {path})"


def _alive(store: Store) -> EngineState | None:
    state = store.engine()
    return state if state and state.alive else None


def _signal(pid: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)


def _until(condition: Callable[[], bool], seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.05)
    return condition()
