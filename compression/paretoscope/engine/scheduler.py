"""Distributes claimed trials over Dask workers and records their results in the store.

A worker process runs one trial at a time. When it dies, the engine runs the trial once more, then
records it as failed with the reason. Cancelling kills the worker's process group, because nothing
else ends a loop in C++; Dask's nanny starts a new worker.
"""

from __future__ import annotations

import logging
import threading
import time
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import Any

import dask.config
from distributed import Client, KilledWorker, LocalCluster
from distributed.system import MEMORY_LIMIT

from paretoscope.engine.cleanup import drop_unfinished
from paretoscope.engine.time_left import TimeLeft
from paretoscope.engine.worker import TOPIC, Prepare, carry_out, kill_worker
from paretoscope.errors import EngineError
from paretoscope.machine import usable_cores
from paretoscope.settings import Settings
from paretoscope.store.store import Store, TrialRow
from paretoscope.trials.progress import Progress
from paretoscope.trials.study import shipped_study
from paretoscope.trials.trial import TrialDocument
from paretoscope.workspace import Workspace

CLOSE_SECONDS = 3
TRIAL_FUNCTION = "paretoscope.engine.pipeline:run_trial"
log = logging.getLogger("paretoscope.engine")
logging.getLogger("distributed").setLevel(logging.WARNING)  # its import set INFO


@dataclass
class Running:
    """A submitted trial; `future` is Dask's, `worker` its address once the trial has started."""

    row: TrialRow
    future: Any
    worker: str | None = None


class Scheduler:
    """Runs trials on a Dask cluster.

    All methods are called from the engine's main thread; Dask's events arrive in another thread and
    pass through a queue.
    """

    def __init__(self, store: Store, workspace: Workspace, function: str = TRIAL_FUNCTION) -> None:
        self.store = store
        self.workspace = workspace
        self.function = function
        self.running: dict[str, Running] = {}
        self.time_left = TimeLeft(store.documents(), shipped_study())
        self._events: SimpleQueue[dict[str, Any]] = SimpleQueue()
        self._latest: dict[str, Progress] = {}
        self._out_of_memory: set[str] = set()
        self._cluster, self._client, self.slots = self._connect()

    def step(self) -> bool:
        """Record progress and results, then cancel and start trials; whether any trial runs."""
        self._record_progress()
        for trial_id in list(self.running):
            self._collect(trial_id)
        for trial_id in self.store.cancelling() & self.running.keys():
            self._cancel(trial_id)
        for row in self.store.claim(self.slots - len(self.running)):
            self._submit(row)
        return bool(self.running)

    def close(self) -> None:
        """Requeue the running trials and end the workers, within `CLOSE_SECONDS`.

        Local workers that are still alive then die with this process.
        """
        for running in list(self.running.values()):
            self._kill(running)
            self.store.requeue(running.row.trial_id, running.row.attempts, lost=False)
        self.running.clear()
        closing = threading.Thread(target=self._disconnect, name="disconnect", daemon=True)
        closing.start()
        closing.join(CLOSE_SECONDS)  # Dask may wait long for a worker that was just killed

    def _disconnect(self) -> None:
        for connection in (self._client, self._cluster):
            if connection is None:
                continue
            try:
                connection.close(timeout=1)
            except TimeoutError:
                log.info("Dask did not close in time; its processes end with the engine")

    # --- the cluster ------------------------------------------------------------------------------

    def _connect(self) -> tuple[Any, Any, int]:
        """(local cluster or None for an external one, client, number of workers)."""
        dask.config.set(
            {
                "distributed.scheduler.allowed-failures": 0,
                "distributed.comm.timeouts.connect": "10s",
            }
        )
        address = Settings.from_environment().scheduler
        cluster, threads = (None, None) if address else _local_cluster(self.workspace)
        try:
            client: Any = Client(cluster or address, timeout="10s", set_as_default=False)
        except (OSError, ValueError) as error:
            raise EngineError(
                f'No Dask scheduler responds at "{address}" ({error}); check PARETOSCOPE_SCHEDULER'
                " or unset it."
            ) from error
        client.register_plugin(Prepare(self.function, threads))
        for topic in (TOPIC, "worker-restart-memory"):  # the second is the nanny's
            client.subscribe_topic(topic, self._receive)
        workers: dict[str, int] = client.nthreads()
        if not workers or max(workers.values()) > 1:
            raise EngineError(
                f'The workers of the Dask cluster at "{address}" must have one thread each; start'
                " them with --nthreads 1."
            )
        return cluster, client, len(workers)

    def _receive(self, event: tuple[float, dict[str, Any]]) -> None:
        """Called by Dask in its own thread with (time, event)."""
        self._events.put(event[1])

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
        """Read the events of the workers; only the latest progress of each trial is kept."""
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
                self._latest[event["trial_id"]] = Progress.model_validate(event["progress"])

    def _record_progress(self) -> None:
        self._listen()
        for trial_id, progress in self._latest.items():
            if trial_id in self.running:
                row = self.running[trial_id].row
                self.store.record_progress(
                    trial_id, row.attempts, self.time_left.update(trial_id, progress, row.request)
                )
        self._latest.clear()

    def _collect(self, trial_id: str) -> None:
        """Record the end of a trial; the trial is released only after that is written."""
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
        """Queue the trial again; after a second lost worker the trial fails."""
        row, cause = running.row, self._cause(running)
        self._drop_unfinished(row.trial_id)
        if row.lost == 0:
            log.warning("trial %s is queued again: its worker was %s", row.trial_id, cause)
            self.store.requeue(row.trial_id, row.attempts, lost=True)
        else:
            advice = "free memory or choose a smaller model or batch size, then try again"
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
            return "killed from outside, possibly by the system because memory ran out"
        return f"lost by the cluster ({running.future.status})"

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
        """Kill the worker at once.

        The future is cancelled first, so that Dask does not count the death of its worker.
        """
        deadline = time.monotonic() + 1
        while running.worker is None and not running.future.done() and time.monotonic() < deadline:
            time.sleep(0.02)  # just submitted: the event with its worker is still to come
            self._listen()
        running.future.cancel(force=True)
        if running.worker is not None:
            try:
                self._client.run(
                    kill_worker, workers=[running.worker], nanny=True, on_error="ignore"
                )
            except (OSError, KeyError) as error:
                log.warning("worker %s ended before it was killed: %s", running.worker, error)

    def _drop_unfinished(self, trial_id: str) -> None:
        others = self.running.keys() - {trial_id}
        drop_unfinished(self.workspace, trial_id if others else None)


def _local_cluster(workspace: Workspace) -> tuple[LocalCluster, int]:
    """(cluster on this machine, threads per worker): one worker per two cores, at least one."""
    cores = usable_cores()
    workers = max(1, cores // 2)
    threads = max(1, cores // workers)
    counts = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), threads)
    dask.config.set(
        {f"distributed.nanny.pre-spawn-environ.{name}": count for name, count in counts.items()}
    )
    # workers hold no Dask data to spill, and one that pauses for its memory would wait for ever
    dask.config.set(
        {f"distributed.worker.memory.{name}": False for name in ("target", "spill", "pause")}
    )
    cluster = LocalCluster(
        n_workers=workers,
        threads_per_worker=1,
        processes=True,
        host="127.0.0.1",
        dashboard_address="127.0.0.1:0",  # a free port; the default is 8787 on all interfaces
        memory_limit=MEMORY_LIMIT // workers,
        local_directory=str(workspace.root / "dask"),
        silence_logs=logging.WARNING,
    )
    return cluster, threads
