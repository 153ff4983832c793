"""The engine's process: one per workspace, with a heartbeat; it ends when idle.

Trials are claimed and run in `scheduler.py`; `client.py` starts this process. Dask is imported
after the lock is held and the heartbeat has started, so a second engine is refused at once.
"""

from __future__ import annotations

import fcntl
import logging
import os
import shutil
import signal
import socket
import threading
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from paretoscope.errors import EngineError, StoreError
from paretoscope.store.store import EngineState, Store
from paretoscope.workspace import Workspace

BEAT_SECONDS = 2.0
IDLE_SECONDS = 60.0
TICK_SECONDS = 0.1

log = logging.getLogger("paretoscope.engine")


def run_engine(
    workspace: Workspace,
    *,
    stays: bool = False,
    function: str | None = None,
    idle_seconds: float = IDLE_SECONDS,
) -> None:
    """Run the engine of `workspace` until SIGTERM or SIGINT, or until it has been idle.

    It ends after `idle_seconds` without a trial or request, unless it `stays`. `function`
    ("module:name") replaces the trial function. Raises `EngineError` when another engine runs.
    """
    store = Store.open(workspace)
    with _only_one(workspace, store):
        engine = Engine(workspace, store, stays=stays, function=function, idle_seconds=idle_seconds)
        engine.run()
        while not engine.stop_requested and store.trials(statuses=("queued",)):
            engine.run()  # a trial was queued while the engine was ending


def write_log() -> None:
    """Log to stderr, which is logs/engine.log for an engine started by `client.py`."""
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(message)s")
    log.setLevel(logging.INFO)


class Engine:
    """The engine; `run` returns when it is stopped or idle."""

    def __init__(
        self,
        workspace: Workspace,
        store: Store,
        *,
        stays: bool,
        function: str | None,
        idle_seconds: float,
    ) -> None:
        self.workspace = workspace
        self.store = store
        self.stays = stays
        self.function = function
        self.idle_seconds = idle_seconds
        self.stop = threading.Event()
        self.stop_requested = False
        self.pid = os.getpid()

    def run(self) -> None:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._stop_on_signal)
        self.stop.clear()
        self.store.engine_started(self.pid, stays=self.stays)
        beat = threading.Thread(target=self._beat, name="heartbeat", daemon=True)
        beat.start()
        try:
            self._work()
        finally:
            self.stop.set()
            beat.join()
            self.store.engine_stopped(self.pid)

    def _stop_on_signal(self, *_: object) -> None:
        self.stop_requested = True
        self.stop.set()

    def _beat(self) -> None:
        while not self.stop.wait(BEAT_SECONDS):
            try:
                self.store.engine_beat(self.pid)
            except StoreError as error:  # such as a full disk; the next beat tries again
                log.error("%s", error)

    def _work(self) -> None:
        from paretoscope.engine.cleanup import drop_unfinished

        drop_unfinished(self.workspace)  # no worker is at work yet
        shutil.rmtree(self.workspace.root / "dask", ignore_errors=True)
        back = self.store.requeue_running()
        if back:
            log.info("%d trials of the last engine are queued again", back)
        from paretoscope.engine.scheduler import TRIAL_FUNCTION, Scheduler  # slow: Dask

        scheduler = Scheduler(self.store, self.workspace, self.function or TRIAL_FUNCTION)
        log.info("engine %d is ready, %d trials at once", self.pid, scheduler.slots)
        try:
            self._loop(scheduler.step)
        finally:
            log.info("engine %d ends", self.pid)
            scheduler.close()
            shutil.rmtree(self.workspace.root / "dask", ignore_errors=True)

    def _loop(self, step: Callable[[], bool]) -> None:
        busy_at = time.monotonic()
        while not self.stop_requested and not self.stop.wait(TICK_SECONDS):
            try:
                if step():
                    busy_at = time.monotonic()
                elif time.monotonic() - busy_at > self.idle_seconds and self._unused():
                    return
            except StoreError as error:  # results stay in the workers until they can be written
                log.error("%s", error)
                time.sleep(BEAT_SECONDS)

    def _unused(self) -> bool:
        """Whether this engine may end: it does not stay, and the last request is old."""
        state = self.store.engine()
        if state is None or state.stays:
            return False
        return (datetime.now(UTC) - state.asked_at).total_seconds() > self.idle_seconds


@contextmanager
def _only_one(workspace: Workspace, store: Store) -> Generator[None]:
    """Hold the lock file of the workspace; the system releases it when this process dies."""
    state = store.engine()
    if state and state.alive and state.host != socket.gethostname():
        raise _already_running(state.pid, state)
    path = workspace.root / "engine.lock"
    with path.open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise _already_running(_pid_in(path), state) from error
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield


def _already_running(pid: int, state: EngineState | None) -> EngineError:
    where = f" on {state.host}" if state and state.host != socket.gethostname() else ""
    return EngineError(
        f"An engine is already running (pid {pid}{where}); stop it with `paretoscope engine stop`."
    )


def _pid_in(path: Path) -> int:
    text = path.read_text().strip()
    return int(text) if text.isdigit() else 0
