"""The memory of a workspace: which trials were asked for, what became of them, what was measured.

State lives only here. Pages and commands read it and ask for things; the engine alone claims and
finishes. The tables are `store/tables.py`'s, the documents `trials/trial.py`'s, derived facts
(fronts, deltas) are computed elsewhere and never stored.

A claim or a finish is a conditional update on status and attempt, so that a trial finishes once:
the late answer of a worker that was given up finds no row.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any, cast

from sqlalchemy import CursorResult, Engine, Select, delete, or_, select, update
from sqlalchemy.orm import Session

from paretoscope.errors import StoreError
from paretoscope.store.rows import held_out_rows, measurement_rows
from paretoscope.store.tables import EngineRow, MachineRow, Schema, Trial, connect, plain_errors
from paretoscope.trials.trial import HeldOut, Progress, Status, TrialDocument, TrialRequest
from paretoscope.workspace import Workspace

ALIVE_SECONDS = 15
"""An engine beats every 2 s; one that has been silent for this long counts as gone."""
SHORTEST_ID = 4
"""Characters of a trial's id that a person must give at least."""


@dataclass(frozen=True)
class TrialRow:
    """A trial as the store knows it. `attempts` counts claims, `lost` those that a killed worker
    took along.
    """

    trial_id: str
    request: TrialRequest
    status: Status
    priority: int
    queued_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    progress: Progress | None
    error: str | None
    attempts: int
    lost: int
    cancel_requested: bool
    document_json: str | None

    @cached_property
    def document(self) -> TrialDocument | None:
        """What was measured, read only when somebody looks; None until the trial is done."""
        return (
            None
            if self.document_json is None
            else TrialDocument.model_validate_json(self.document_json)
        )


@dataclass(frozen=True)
class EngineState:
    """The engine of this workspace as it was last heard of; `alive` is judged when this is read."""

    pid: int
    host: str
    started_at: datetime
    beat_at: datetime
    asked_at: datetime
    stays: bool
    alive: bool


class Store:
    """Verbs over the tables. Every one raises `StoreError` in a sentence when the database does not
    play along.
    """

    def __init__(self, engine: Engine, root: Path) -> None:
        self._engine = engine
        self.root = root

    @classmethod
    def open(cls, workspace: Workspace) -> Store:
        return cls(connect(workspace.database_url, workspace.root), workspace.root)

    def close(self) -> None:
        self._engine.dispose()

    # --- asking, which anybody may ----------------------------------------------------------------

    def queue(self, request: TrialRequest, priority: int = 0, *, again: bool = False) -> TrialRow:
        """Ask for a trial. One that is done, queued or running is returned as it is; one that
        failed or was cancelled is queued again, and with `again` one that is done too."""
        with self._write() as session:
            row = session.get(Trial, request.trial_id)
            if row is None:
                row = Trial(trial_id=request.trial_id, attempts=0, **_asked(request, priority))
                session.add(row)
            elif row.status in ("failed", "cancelled") or (again and row.status == "done"):
                _assign(row, _asked(request, priority))
            session.flush()
            return _row(row)

    def retry(self, trial_id: str) -> TrialRow:
        """Queue a failed or cancelled trial again."""
        row = self.trial(trial_id)
        return self.queue(row.request, row.priority)

    def request_cancel(self, trial_id: str) -> TrialRow:
        """A queued trial is cancelled at once, a running one by the engine soon; an ended one stays
        as it is.
        """
        with self._write() as session:
            row = self._get(session, trial_id)
            if row.status == "queued":
                _assign(
                    row,
                    {
                        "status": "cancelled",
                        "finished_at": _now(),
                        "error": "Cancelled before it started.",
                    },
                )
            elif row.status == "running":
                row.cancel_requested = True
            session.flush()
            return _row(row)

    def prioritize(self, trial_id: str, by: int) -> TrialRow:
        """Raise (or with a negative `by` lower) a trial's place in the queue."""
        with self._write() as session:
            row = self._get(session, trial_id)
            row.priority += by
            session.flush()
            return _row(row)

    def keep(self, trial_id: str, held_out: HeldOut) -> TrialDocument:
        """Add what the test split said to a trial that is done; where somebody was first, theirs
        stays. Returns the document as it is now.
        """
        with self._write() as session:
            row = self._get(session, trial_id)
            if row.document is None:
                raise StoreError(
                    f"Trial {trial_id} is {row.status}: it is being measured again; keep it when"
                    " that is done."
                )
            document = TrialDocument.model_validate_json(row.document)
            if document.held_out is None:
                document = document.model_copy(update={"held_out": held_out})
                row.document = document.model_dump_json()
                session.add_all(held_out_rows(document))
            return document

    # --- reading ----------------------------------------------------------------------------------

    def trial(self, trial_id: str) -> TrialRow:
        with self._read() as session:
            return _row(self._get(session, trial_id))

    def find(self, start: str) -> TrialRow:
        """The trial whose id is `start` or the only one whose id begins so (four characters or
        more), as git has it.
        """
        with self._read() as session:
            query = (
                select(Trial)
                .where(Trial.trial_id.startswith(start, autoescape=True))
                .order_by(Trial.trial_id)
            )
            found = list(session.scalars(query)) if len(start) >= SHORTEST_ID else []
            whole = [row for row in found if row.trial_id == start]
            if len(found) > 1 and not whole:
                candidates = ", ".join(
                    f"{row.trial_id} ({_row(row).request.recipe.in_words()}, {row.status})"
                    for row in found
                )
                raise StoreError(
                    f'{len(found)} trials begin with "{start}": {candidates}; give more of the id.'
                )
            return _row((whole or found)[0] if found else self._get(session, start))

    def trials(
        self,
        *,
        model: str | None = None,
        task: str | None = None,
        statuses: Sequence[Status] | None = None,
        ids: Sequence[str] | None = None,
    ) -> list[TrialRow]:
        """Trials in the order in which they run or ran. `model` and `task` are names as typed or
        content keys.
        """
        query = select(Trial).order_by(Trial.priority.desc(), Trial.queued_at, Trial.trial_id)
        if model is not None:
            query = query.where(or_(Trial.model == model, Trial.model_key == model))
        if task is not None:
            query = query.where(or_(Trial.task == task, Trial.task_key == task))
        if statuses is not None:
            query = query.where(Trial.status.in_(statuses))
        if ids is not None:
            query = query.where(Trial.trial_id.in_(ids))
        with self._read() as session:
            return [_row(row) for row in session.scalars(query)]

    def document(self, trial_id: str) -> TrialDocument:
        """What was measured; for a trial that is not done, what is known of it so far."""
        row = self.trial(trial_id)
        return row.document or unfinished(row)

    def documents(
        self, *, model: str | None = None, task: str | None = None
    ) -> list[TrialDocument]:
        """The documents of all trials that are done, oldest first."""
        rows = self.trials(model=model, task=task, statuses=("done",))
        return [row.document for row in sorted(rows, key=lambda row: row.queued_at) if row.document]

    def version(self) -> int:
        """A number that rises with every change a person could see; cheap enough to ask every
        second.
        """
        with self._read() as session:
            return session.scalars(select(Schema.changes)).one()

    # --- the engine's own -------------------------------------------------------------------------

    def claim(self, count: int = 1) -> list[TrialRow]:
        """Take up to `count` queued trials, the highest priority first, then the longest in the
        queue.
        """
        query = (
            select(Trial)
            .where(Trial.status == "queued")
            .order_by(Trial.priority.desc(), Trial.queued_at, Trial.trial_id)
            .limit(count)
        )
        if not self._has_queued():  # asked every moment, so it must not write for nothing
            return []
        with self._write() as session:
            return [
                _row(row)
                for row in session.scalars(query).all()
                if self._swap(session, row, "queued", _claimed(row))
            ]

    def record_progress(self, trial_id: str, attempt: int, progress: Progress) -> bool:
        """Note where a running trial is; False when this attempt is no longer the one that counts."""
        with self._write() as session:
            return self._change(
                session, trial_id, attempt, {"progress": progress.model_dump_json()}
            )

    def finish(self, trial_id: str, attempt: int, document: TrialDocument) -> bool:
        """Record a trial as done, with its measurements; False when another end came first."""
        with self._write() as session:
            ended = {
                "status": "done",
                "finished_at": _now(),
                "document": document.model_dump_json(),
                "progress": None,
                "error": None,
            }
            if not self._change(session, trial_id, attempt, ended):
                return False
            machine = document.machine
            if machine and session.get(MachineRow, machine.id) is None:
                session.add(MachineRow(id=machine.id, fingerprint=machine.model_dump_json()))
            session.add_all(measurement_rows(document))
            return True

    def give_up(self, trial_id: str, attempt: int, status: Status, error: str) -> bool:
        """Record a trial as failed or cancelled, with its reason; False when another end came
        first.
        """
        with self._write() as session:
            return self._change(
                session,
                trial_id,
                attempt,
                {"status": status, "finished_at": _now(), "error": error, "progress": None},
            )

    def requeue(self, trial_id: str, attempt: int, *, lost: bool) -> bool:
        """Put a running trial back; `lost` when its worker died under it."""
        values: dict[str, Any] = {"status": "queued", "started_at": None, "progress": None}
        with self._write() as session:
            return self._change(
                session, trial_id, attempt, {**values, "lost": Trial.lost + 1} if lost else values
            )

    def requeue_running(self) -> int:
        """Put back what was running when the last engine died; what was being cancelled is
        cancelled. How many were put back.
        """
        with self._write() as session:
            running = session.scalars(select(Trial).where(Trial.status == "running")).all()
            for row in running:
                if row.cancel_requested:
                    _assign(
                        row,
                        {
                            "status": "cancelled",
                            "finished_at": _now(),
                            "error": "Cancelled.",
                            "progress": None,
                        },
                    )
                else:
                    _assign(row, {"status": "queued", "started_at": None, "progress": None})
            return sum(row.status == "queued" for row in running)

    def cancelling(self) -> set[str]:
        """Ids of running trials that somebody asked to end."""
        with self._read() as session:
            return set(
                session.scalars(
                    select(Trial.trial_id).where(Trial.status == "running", Trial.cancel_requested)
                )
            )

    # --- the engine's heartbeat -------------------------------------------------------------------

    def engine(self) -> EngineState | None:
        """The engine as last heard of, None when none was started or the last one ended well."""
        with self._read() as session:
            row = session.get(EngineRow, 1)
            return None if row is None else _engine_state(row)

    def engine_started(self, pid: int, *, stays: bool) -> None:
        now = _now()
        with self._write() as session:
            session.execute(delete(EngineRow))
            session.add(
                EngineRow(
                    id=1,
                    pid=pid,
                    host=socket.gethostname(),
                    started_at=now,
                    beat_at=now,
                    asked_at=now,
                    stays=stays,
                )
            )

    def engine_beat(self, pid: int) -> None:
        with self._write(visible=False) as session:
            session.execute(update(EngineRow).where(EngineRow.pid == pid).values(beat_at=_now()))

    def engine_stopped(self, pid: int) -> None:
        with self._write() as session:
            session.execute(delete(EngineRow).where(EngineRow.pid == pid))

    def ask_engine(self, *, stays: bool = False) -> None:
        """Tell the engine that somebody needs it, which puts off its end; with `stays` for good."""
        values: dict[str, Any] = (
            {"asked_at": _now(), "stays": True} if stays else {"asked_at": _now()}
        )
        with self._write(visible=False) as session:
            session.execute(update(EngineRow).values(**values))

    # --- how --------------------------------------------------------------------------------------

    @contextmanager
    def _read(self) -> Generator[Session]:
        with plain_errors(self.root), Session(self._engine) as session:
            yield session

    @contextmanager
    def _write(self, *, visible: bool = True) -> Generator[Session]:
        """A transaction that holds the write lock from its first statement, so that what it reads
        stays true.
        """
        with (
            plain_errors(self.root),
            Session(self._engine, expire_on_commit=False) as session,
            session.begin(),
        ):
            session.execute(update(Schema).values(changes=Schema.changes + int(visible)))
            yield session

    def _has_queued(self) -> bool:
        with self._read() as session:
            return session.scalars(_queued_ids().limit(1)).first() is not None

    def _get(self, session: Session, trial_id: str) -> Trial:
        row = session.get(Trial, trial_id)
        if row is None:
            raise StoreError(
                f'There is no trial "{trial_id}" in the workspace "{self.root}"; `paretoscope jobs`'
                " lists those that there are."
            )
        return row

    def _swap(self, session: Session, row: Trial, status: Status, values: dict[str, Any]) -> bool:
        """Change `row` only if it still has `status` and its attempt."""
        query = update(Trial).where(
            Trial.trial_id == row.trial_id, Trial.status == status, Trial.attempts == row.attempts
        )
        swapped = cast(CursorResult[Any], session.execute(query.values(**values))).rowcount == 1
        if swapped:
            session.refresh(row)
        return swapped

    def _change(
        self, session: Session, trial_id: str, attempt: int, values: dict[str, Any]
    ) -> bool:
        row = session.get(Trial, trial_id)
        return (
            row is not None
            and row.attempts == attempt
            and self._swap(session, row, "running", values)
        )


def unfinished(row: TrialRow) -> TrialDocument:
    """The document of a trial that is not done: what was asked, how it stands, and why it ended if
    it did.
    """
    request = row.request
    return TrialDocument(
        trial_id=row.trial_id,
        recipe_id=request.recipe.id,
        model=request.model,
        task=request.task,
        status=row.status,
        recipe=request.recipe,
        protocol=request.protocol,
        error=row.error,
    )


def _now() -> datetime:
    return datetime.now(UTC)


def _queued_ids() -> Select[str]:
    return select(Trial.trial_id).where(Trial.status == "queued")


def _asked(request: TrialRequest, priority: int) -> dict[str, Any]:
    """What a trial looks like when it enters the queue, for the first time or again."""
    return {
        "model": request.model,
        "model_key": request.model_key,
        "task": request.task,
        "task_key": request.task_key,
        "request": request.model_dump_json(),
        "status": "queued",
        "priority": priority,
        "queued_at": _now(),
        "started_at": None,
        "finished_at": None,
        "progress": None,
        "error": None,
        "lost": 0,
        "cancel_requested": False,
        "document": None,
    }


def _claimed(row: Trial) -> dict[str, Any]:
    return {
        "status": "running",
        "attempts": row.attempts + 1,
        "started_at": _now(),
        "finished_at": None,
        "progress": None,
    }


def _assign(row: Trial, values: dict[str, Any]) -> None:
    for name, value in values.items():
        setattr(row, name, value)


def _row(row: Trial) -> TrialRow:
    return TrialRow(
        trial_id=row.trial_id,
        request=TrialRequest.model_validate_json(row.request),
        status=row.status,  # pyright: ignore[reportArgumentType]
        priority=row.priority,
        queued_at=row.queued_at,
        started_at=row.started_at,
        finished_at=row.finished_at,
        progress=None if row.progress is None else Progress.model_validate_json(row.progress),
        error=row.error,
        attempts=row.attempts,
        lost=row.lost,
        cancel_requested=row.cancel_requested,
        document_json=row.document,
    )


def _engine_state(row: EngineRow) -> EngineState:
    fresh = _now() - row.beat_at < timedelta(seconds=ALIVE_SECONDS)
    alive = fresh and (row.host != socket.gethostname() or process_runs(row.pid))
    return EngineState(
        row.pid, row.host, row.started_at, row.beat_at, row.asked_at, row.stays, alive
    )


def process_runs(pid: int) -> bool:
    """Whether a process of this host is at work: neither gone nor a zombie that nobody has
    collected.
    """
    try:
        os.kill(pid, 0)
        stat = Path(f"/proc/{pid}/stat").read_text()
    except ProcessLookupError:
        return False
    except OSError:
        return True  # it belongs to somebody else, or this system has no /proc
    return stat.rpartition(")")[2].split()[0] != "Z"
