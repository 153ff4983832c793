"""What runs inside a Dask worker process: one trial at a time, its log, its progress, its outcome.

What a trial does is `pipeline.py`'s. This file makes sure that whatever it does can be watched and
ended: its output goes to its own log, its progress to the engine, and when the process dies, by
whatever hand, everything that it started dies with it.
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
from paretoscope.trials.trial import Progress, TrialDocument, TrialRequest
from paretoscope.workspace import Workspace

TOPIC = "paretoscope"
"""Where workers tell the engine how far they are."""
PROGRESS_SECONDS = 0.25
TrialFunction = Callable[[TrialRequest, Workspace, Callable[[Progress], None]], TrialDocument]

log = logging.getLogger("paretoscope")


class Prepare(WorkerPlugin):
    """Readies every worker, also one that a nanny starts again: ties its children to it, and
    imports what trials need in the background, so that the first one does not wait for torch."""

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
        except Exception:  # the trial that needs it will say so, in its own log
            log.exception("preloading %s", self.function)


def die_together() -> None:
    """Make this process lead a group that is killed as one when it dies.

    Its end closes a pipe that a shell in the group reads from, and the shell then kills the group:
    that covers SIGKILL and the out-of-memory killer, after which no code of this process runs. The
    process itself dies with the thread that started it (Linux), should the nanny be gone.
    """
    if _guard:
        return
    if os.getpgrp() != os.getpid():
        os.setpgid(0, 0)
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG
    reads, _writes = os.pipe()  # nobody closes the writing end but the system
    nowhere = subprocess.DEVNULL
    _guard.append(
        subprocess.Popen(
            ["/bin/sh", "-c", "read _; kill -KILL 0"], stdin=reads, stdout=nowhere, stderr=nowhere
        )
    )
    os.close(reads)


_guard: list[subprocess.Popen[bytes]] = []


@contextmanager
def _only_while_wanted(worker: Worker) -> Generator[None]:
    """End this process when Dask has let go of its task while it runs: the engine that waited for
    it is gone.

    On a cluster that outlives the engine nobody else would.
    """
    key, over = worker.get_current_task(), threading.Event()

    def watch() -> None:
        while not over.wait(1):
            task = worker.state.tasks.get(key)
            if task is None or task.state == "cancelled":
                log.warning("nobody waits for this trial any more")
                os.killpg(0, signal.SIGKILL)

    threading.Thread(target=watch, name="only while wanted", daemon=True).start()
    try:
        yield
    finally:
        over.set()


def kill_worker(dask_worker: Nanny) -> None:
    """Kill the worker of this nanny and everything it started; the nanny starts it again. Runs in
    the nanny.
    """
    pid = dask_worker.pid
    if pid is None:
        return
    try:
        os.killpg(pid, signal.SIGKILL)
    except ProcessLookupError:
        os.kill(pid, signal.SIGKILL)  # not its own group yet


def trial_function(dotted: str) -> TrialFunction:
    """The function that `module:name` names."""
    module, _, name = dotted.partition(":")
    return getattr(importlib.import_module(module), name)


def carry_out(function: str, request_json: str, root: str, attempt: int) -> dict[str, str]:
    """Run one trial; the outcome is {"document": JSON} or {"error": a sentence}, never an
    exception.

    Exceptions stay here because they need not survive the way to the engine; their trace is in the
    log.
    """
    workspace = Workspace(Path(root))
    request = TrialRequest.model_validate_json(request_json)
    reporter = Reporter(request.trial_id, attempt)
    with _logged(workspace.log(request.trial_id)), _only_while_wanted(get_worker()):
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
        except ParetoscopeError as error:
            log.error("%s", error, exc_info=True)
            return {"error": str(error)}
        except MemoryError:
            log.exception("out of memory")
            return {
                "error": (
                    "The machine has too little free memory for this trial; close other programs or"
                    " choose a smaller model, then try again."
                )
            }
        except Exception as error:
            if getattr(error, "errno", None) in (errno.ENOSPC, errno.EDQUOT):
                log.exception("disk full")
                return {
                    "error": (
                        f'The disk of the workspace "{root}" is full; free some space, then try'
                        " again."
                    )
                }
            log.exception("unexpected")
            return {
                "error": (
                    f"Unexpected {type(error).__name__}: {_first_line(error)}; the log has the"
                    " details."
                )
            }
        log.info("done")
        return {"document": document.model_dump_json()}


class Reporter:
    """Tells the engine how far a trial is: every new stage, and within a stage at most four times a
    second.
    """

    def __init__(self, trial_id: str, attempt: int) -> None:
        self.worker = get_worker()
        self.about = {"trial_id": trial_id, "attempt": attempt, "worker": self.worker.address}
        self.stage: str | None = None
        self.sent_at = 0.0
        self._tell({})

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
        self._tell({"progress": progress.model_dump()})

    def _tell(self, what: dict[str, Any]) -> None:
        self.worker.log_event(TOPIC, self.about | what)


@contextmanager
def _logged(path: Path) -> Generator[None]:
    """Send all output of this process to `path`: of logging, of print, of C++ libraries, of child
    processes.
    """
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


def _first_line(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    return (lines[0][:200] if lines else "no message").rstrip(".")
