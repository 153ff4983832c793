"""Spreads claimed trials over Dask workers, and records in the store what becomes of them.

One trial runs in one worker process at a time. A worker that dies takes its trial along, never the
engine: the trial is tried once more, then it fails with the reason. Cancelling kills the worker's
process group, for nothing else ends a C++ loop; its nanny starts a fresh one.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import Any

import dask.config
from distributed import Client, Future, KilledWorker, LocalCluster
from distributed.system import MEMORY_LIMIT

from paretoscope.engine.cleanup import drop_unfinished
from paretoscope.engine.time_left import TimeLeft
from paretoscope.engine.worker import TOPIC, Prepare, carry_out, kill_worker
from paretoscope.errors import EngineError
from paretoscope.settings import Settings
from paretoscope.store.store import Store, TrialRow
from paretoscope.trials.study import shipped_study
from paretoscope.trials.trial import Progress, TrialDocument
from paretoscope.workspace import Workspace

CLOSE_SECONDS = 3
TRIAL_FUNCTION = "paretoscope.engine.pipeline:run_trial"
log = logging.getLogger("paretoscope.engine")
logging.getLogger("distributed").setLevel(logging.WARNING)  # its import set INFO


@dataclass
class Running:
    """A trial in a worker's hands; `worker` is known once it has begun."""

    row: TrialRow
    future: Future
    worker: str | None = None


class Scheduler:
    """The engine's hands. Every method is called from the engine's one thread; only events arrive
    from another.
    """

    def __init__(self, store: Store, workspace: Workspace, function: str = TRIAL_FUNCTION) -> None:
        self.store = store
        self.workspace = workspace
        self.function = function
        self.running: dict[str, Running] = {}
        self.time_left = TimeLeft(store.documents(), shipped_study())
        self._events: SimpleQueue[dict[str, Any]] = SimpleQueue()
        self._news: dict[str, Progress] = {}
        self._out_of_memory: set[str] = set()
        self._cluster, self._client, self.slots = self._connect()

    def step(self) -> bool:
        """Take what the store asks for and record what the workers say; whether anything is
        running.
        """
        self._record_progress()
        for trial_id in list(self.running):
            self._collect(trial_id)
        for trial_id in self.store.cancelling() & self.running.keys():
            self._cancel(trial_id)
        for row in self.store.claim(self.slots - len(self.running)):
            self._submit(row)
        return bool(self.running)

    def close(self) -> None:
        """Put back what is running and end the workers, in a few seconds whatever they are doing.

        Workers of this machine that are left then die with this process.
        """
        for running in list(self.running.values()):
            self._kill(running)
            self.store.requeue(running.row.trial_id, running.row.attempts, lost=False)
        self.running.clear()
        farewell = threading.Thread(target=self._disconnect, name="farewell", daemon=True)
        farewell.start()
        farewell.join(CLOSE_SECONDS)  # Dask may wait long for a worker that was just killed

    def _disconnect(self) -> None:
        self._client.close(timeout=1)
        if self._cluster:
            self._cluster.close(timeout=1)

    # --- the cluster ------------------------------------------------------------------------------

    def _connect(self) -> tuple[LocalCluster | None, Client, int]:
        """(the local cluster, None when it is somebody else's; a client; how many trials run at
        once)
        """
        dask.config.set(
            {
                "distributed.scheduler.allowed-failures": 0,
                "distributed.comm.timeouts.connect": "10s",
            }
        )
        address = Settings.from_environment().scheduler
        cluster, threads = (None, None) if address else _local_cluster(self.workspace)
        try:
            client = Client(cluster or address, timeout="10s", set_as_default=False)
        except (OSError, ValueError) as error:
            raise EngineError(
                f'No Dask scheduler answers at "{address}" ({error}); check PARETOSCOPE_SCHEDULER'
                " or unset it."
            ) from error
        client.register_plugin(Prepare(self.function, threads))
        for topic in (TOPIC, "worker-restart-memory"):  # the second one is a nanny's
            client.subscribe_topic(topic, lambda event: self._events.put(event[1]))
        workers: dict[str, int] = client.nthreads()  # pyright: ignore[reportAssignmentType]
        if not workers or max(workers.values()) > 1:
            raise EngineError(
                f'The Dask cluster at "{address}" must have workers of one thread each; start them'
                " with --nthreads 1."
            )
        return cluster, client, len(workers)

    # --- one trial --------------------------------------------------------------------------------

    def _submit(self, row: TrialRow) -> None:
        log.info("trial %s, attempt %d starts", row.trial_id, row.attempts)
        future = self._client.submit(
            carry_out,
            self.function,
            row.request.model_dump_json(),
            str(self.workspace.root),
            row.attempts,
            key=f"{row.trial_id}-{row.attempts}",
            pure=False,
            retries=0,
        )
        self.running[row.trial_id] = Running(row, future)

    def _listen(self) -> None:
        """Take in what the workers told, the newest progress of each trial only."""
        while True:
            try:
                event = self._events.get_nowait()
            except Empty:
                return
            if "rss" in event:
                self._out_of_memory.add(event["worker"])
                continue
            running = self.running.get(event["trial_id"])
            if running is None or running.row.attempts != event["attempt"]:
                continue
            running.worker = event["worker"]
            if "progress" in event:
                self._news[event["trial_id"]] = Progress.model_validate(event["progress"])

    def _record_progress(self) -> None:
        self._listen()
        for trial_id, progress in self._news.items():
            if trial_id in self.running:
                row = self.running[trial_id].row
                self.store.record_progress(
                    trial_id, row.attempts, self.time_left.update(trial_id, progress, row.request)
                )
        self._news.clear()

    def _collect(self, trial_id: str) -> None:
        """Record the end of a trial; it is let go only once that is written down."""
        running = self.running[trial_id]
        if not running.future.done():
            return
        row, document = running.row, None
        if running.future.status == "finished":
            outcome: dict[str, str] = running.future.result()
            if "document" in outcome:
                document = TrialDocument.model_validate_json(outcome["document"])
                self.store.finish(trial_id, row.attempts, document)
            else:
                self.store.give_up(trial_id, row.attempts, "failed", outcome["error"])
            log.info("trial %s ended: %s", trial_id, outcome.get("error", "done"))
        else:
            self._worker_died(running)
        self.time_left.ended(trial_id, document)
        del self.running[trial_id]

    def _worker_died(self, running: Running) -> None:
        """Once is bad luck; twice is the trial's own doing."""
        row, cause = running.row, self._cause(running)
        self._drop_unfinished(row.trial_id)
        if row.lost == 0:
            log.warning("trial %s is tried again: %s", row.trial_id, cause)
            self.store.requeue(row.trial_id, row.attempts, lost=True)
        else:
            advice = "free some memory or choose a smaller model or batch, then try again"
            self.store.give_up(
                row.trial_id,
                row.attempts,
                "failed",
                f"The worker process was lost twice, the last time {cause}; {advice}.",
            )

    def _cause(self, running: Running) -> str:
        self._listen()
        if running.worker in self._out_of_memory:
            return "killed because it ran out of memory"
        if running.future.status == "error" and isinstance(
            running.future.exception(), KilledWorker
        ):
            return "killed from outside, which is also what the system does when memory runs out"
        return f"because the cluster gave it up ({running.future.status})"

    def _cancel(self, trial_id: str) -> None:
        running = self.running[trial_id]
        self._kill(running)
        self._drop_unfinished(trial_id)
        self.store.give_up(
            trial_id, running.row.attempts, "cancelled", "Cancelled while it was running."
        )
        self.time_left.ended(trial_id)
        del self.running[trial_id]
        log.info("trial %s cancelled", trial_id)

    def _kill(self, running: Running) -> None:
        """End the work at once. The future goes first, so that Dask does not count the worker's
        death against it.
        """
        deadline = time.monotonic() + 1
        while running.worker is None and not running.future.done() and time.monotonic() < deadline:
            time.sleep(
                0.02
            )  # it was submitted a moment ago and has not said yet which worker has it
            self._listen()
        running.future.cancel(force=True)
        if running.worker is not None:
            try:
                self._client.run(
                    kill_worker, workers=[running.worker], nanny=True, on_error="ignore"
                )
            except (OSError, KeyError) as error:
                log.warning(
                    "worker %s was gone before it could be killed: %s", running.worker, error
                )

    def _drop_unfinished(self, trial_id: str) -> None:
        others = self.running.keys() - {trial_id}
        drop_unfinished(self.workspace, trial_id if others else None)


def _local_cluster(workspace: Workspace) -> tuple[LocalCluster, int]:
    """(processes on this machine, threads of each): half as many workers as cores, so that each has
    two.
    """
    cores = (
        len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    )
    workers = max(1, cores // 2)
    threads = max(1, cores // workers)
    counts = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), threads)
    dask.config.set(
        {f"distributed.nanny.pre-spawn-environ.{name}": count for name, count in counts.items()}
    )
    # a worker holds no Dask data worth spilling, and one that pauses for its memory would wait for
    # ever
    dask.config.set(
        {f"distributed.worker.memory.{what}": False for what in ("target", "spill", "pause")}
    )
    cluster = LocalCluster(
        n_workers=workers,
        threads_per_worker=1,
        processes=True,
        host="127.0.0.1",
        dashboard_address=None,  # pyright: ignore[reportArgumentType]  # no web server
        memory_limit=MEMORY_LIMIT // workers,
        local_directory=str(workspace.root / "dask"),
        silence_logs=logging.WARNING,
    )
    return cluster, threads
