"""Runs one trial at a time inside a Dask worker process.

The output of a trial goes to its log and its progress to the engine. When the process dies for any
reason, its child processes die with it. The trial itself is in `pipeline.py`.
"""

from __future__ import annotations

import ctypes
import errno
import importlib
import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from distributed import Nanny, Worker, WorkerPlugin, get_worker

from paretoscope.errors import ParetoscopeError
from paretoscope.trials.progress import Progress
from paretoscope.trials.request import TrialRequest
from paretoscope.trials.trial import TrialDocument
from paretoscope.workspace import Workspace

TOPIC = "paretoscope"
"""Dask's topic for the progress of trials."""
PROGRESS_SECONDS = 0.25
TrialFunction = Callable[[TrialRequest, Workspace, Callable[[Progress], None]], TrialDocument]

log = logging.getLogger("paretoscope")


class Prepare(WorkerPlugin):
    """Sets up every worker, including those that a nanny restarts.

    It ties child processes to the worker and imports the trial function in the background, so that
    the first trial does not wait for torch.
    """

    name = "paretoscope-prepare"

    def __init__(self, function: str, threads: int | None) -> None:
        self.function = function
        self.threads = threads

    def setup(self, worker: Worker) -> None:
        die_together()
        threading.Thread(target=self._preload, name="preload", daemon=True).start()

    def _preload(self) -> None:
        try:
            trial_function(self.function)
            if self.threads and "torch" in sys.modules:
                sys.modules["torch"].set_num_threads(self.threads)
        except Exception:  # a trial that needs it fails with the same error in its own log
            log.exception("preloading %s", self.function)


def die_together() -> None:
    """Make this process the leader of a process group that is killed when the process dies.

    A shell in the group reads from a pipe that closes with this process, and then kills the group.
    That covers SIGKILL and the out-of-memory killer, after which no code of this process runs. On
    Linux the process itself is killed when its parent dies.
    """
    if _guard:
        return
    if os.getpgrp() != os.getpid():
        os.setpgid(0, 0)
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG
    reads, _writes = os.pipe()  # the writing end is closed by the system only
    null = subprocess.DEVNULL
    _guard.append(
        subprocess.Popen(
            ["/bin/sh", "-c", "read _; kill -KILL 0"], stdin=reads, stdout=null, stderr=null
        )
    )
    os.close(reads)


_guard: list[subprocess.Popen[bytes]] = []


@contextmanager
def _killed_when_released(worker: Worker) -> Generator[None]:
    """Kill this process group when Dask has released the running task, because the engine is gone.

    A cluster that outlives the engine would run the trial to its end.
    """
    key, over = worker.get_current_task(), threading.Event()

    def watch() -> None:
        while not over.wait(1):
            task = worker.state.tasks.get(key)
            if task is None or task.state == "cancelled":
                log.warning("the engine has released this trial")
                os.killpg(0, signal.SIGKILL)

    threading.Thread(target=watch, name="released task", daemon=True).start()
    try:
        yield
    finally:
        over.set()


def kill_worker(dask_worker: Nanny) -> None:
    """Kill the worker of this nanny and its child processes; the nanny restarts it.

    Runs in the nanny.
    """
    pid = dask_worker.pid
    if pid is None:
        return
    try:
        os.killpg(pid, signal.SIGKILL)
    except ProcessLookupError:
        os.kill(pid, signal.SIGKILL)  # it does not lead a group yet


def trial_function(dotted: str) -> TrialFunction:
    """The function with the name `module:name`."""
    module, _, name = dotted.partition(":")
    return getattr(importlib.import_module(module), name)


def carry_out(function: str, request_json: str, root: str, attempt: int) -> dict[str, str]:
    """Run one trial; returns {"document": JSON} or {"error": message}, and never raises.

    Exceptions are not passed to the engine, because not every type can be unpickled there; their
    traceback is in the trial's log.
    """
    workspace = Workspace(Path(root))
    request = TrialRequest.model_validate_json(request_json)
    reporter = Reporter(request.trial_id, attempt)
    with _logged(workspace.log(request.trial_id)), _killed_when_released(get_worker()):
        log.info(
            "trial %s, attempt %d: %s on %s, %s",
            request.trial_id,
            attempt,
            request.model,
            request.task,
            request.recipe.in_words(),
        )
        try:
            document = trial_function(function)(request, workspace, reporter)
        except Exception as error:
            log.error("trial failed", exc_info=True)
            return {"error": _message(error, root)}
        log.info("done")
        return {"document": document.model_dump_json()}


def _message(error: Exception, root: str) -> str:
    """What the store records about the exception that ended a trial."""
    if isinstance(error, ParetoscopeError):
        return str(error)
    if isinstance(error, MemoryError):
        return (
            "The machine has too little free memory for this trial; close other programs or choose"
            " a smaller model, then try again."
        )
    if getattr(error, "errno", None) in (errno.ENOSPC, errno.EDQUOT):
        return f'The disk of the workspace "{root}" is full; free some space, then try again.'
    lines = str(error).strip().splitlines()
    first = (lines[0][:200] if lines else "no message").rstrip(".")
    return f"Unexpected {type(error).__name__}: {first}; the trial's log has the traceback."


class Reporter:
    """Sends progress to the engine: every new stage, and at most four updates per second."""

    def __init__(self, trial_id: str, attempt: int) -> None:
        self.worker = get_worker()
        self.about = {"trial_id": trial_id, "attempt": attempt, "worker": self.worker.address}
        self.stage: str | None = None
        self.sent_at = 0.0
        self._send({})

    def __call__(self, progress: Progress) -> None:
        now = time.monotonic()
        new_stage = progress.stage != self.stage
        if new_stage:
            log.info(
                "stage %d of %d: %s", progress.stage_number, progress.stage_count, progress.stage
            )
        elif now - self.sent_at < PROGRESS_SECONDS and progress.step != progress.steps:
            return
        self.stage, self.sent_at = progress.stage, now
        self._send({"progress": progress.model_dump()})

    def _send(self, content: dict[str, Any]) -> None:
        self.worker.log_event(TOPIC, self.about | content)


@contextmanager
def _logged(path: Path) -> Generator[None]:
    """Redirect all output of this process to `path`, from C++ and child processes as well."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    logger, level, kept = logging.getLogger(), logging.getLogger().level, (os.dup(1), os.dup(2))
    with path.open("ab") as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    handler.setStream(os.fdopen(os.dup(2), "w", buffering=1))
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    try:
        yield
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        logger.removeHandler(handler)
        logger.setLevel(level)
        handler.stream.close()
        for kept_fd, fd in zip(kept, (1, 2), strict=True):
            os.dup2(kept_fd, fd)
            os.close(kept_fd)
