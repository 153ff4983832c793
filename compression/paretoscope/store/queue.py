"""Changes the status of trials: queued, running, done, failed, cancelled.

A claim or an end is a conditional update on status and attempt. A trial therefore ends once, and
the late result of a worker that was given up is ignored.
"""

from __future__ import annotations

from typing import Any, cast

from sqlalchemy import CursorResult, select, update
from sqlalchemy.orm import Session

from paretoscope.errors import StoreError
from paretoscope.store.database import now
from paretoscope.store.rows import held_out_rows, measurement_rows
from paretoscope.store.summaries import remove_summary, write_summary
from paretoscope.store.tables import MachineRow, Trial
from paretoscope.store.trials import TrialReader, TrialRow, row_of
from paretoscope.trials.progress import Progress
from paretoscope.trials.request import TrialRequest
from paretoscope.trials.trial import HeldOut, Status, TrialDocument


class TrialQueue(TrialReader):
    """Requests trials (anyone), claims and ends them (the engine)."""

    # --- for everyone -----------------------------------------------------------------------------

    def queue(self, request: TrialRequest, priority: int = 0, *, again: bool = False) -> TrialRow:
        """Queue a trial.

        A trial that is done, queued or running is returned unchanged. One that failed or was
        cancelled is queued again, and with `again` one that is done, too.
        """
        with self._write() as session:
            row = session.get(Trial, request.trial_id)
            if row is None:
                row = Trial(trial_id=request.trial_id, attempts=0, **_queued(request, priority))
                session.add(row)
            elif row.status in ("failed", "cancelled") or (again and row.status == "done"):
                _assign(row, _queued(request, priority))
                remove_summary(session, row.trial_id)
            session.flush()
            return row_of(row)

    def retry(self, trial_id: str) -> TrialRow:
        """Queue a failed or cancelled trial again."""
        row = self.trial(trial_id)
        return self.queue(row.request, row.priority)

    def request_cancel(self, trial_id: str) -> TrialRow:
        """Cancel a queued trial at once; ask the engine to cancel a running one."""
        with self._write() as session:
            row = self._get(session, trial_id)
            if row.status == "queued":
                _assign(row, _cancelled("Cancelled before it started."))
            elif row.status == "running":
                row.cancel_requested = True
            session.flush()
            return row_of(row)

    def prioritize(self, trial_id: str, by: int) -> TrialRow:
        """Raise a trial's priority in the queue, or lower it with a negative `by`."""
        with self._write() as session:
            row = self._get(session, trial_id)
            row.priority += by
            session.flush()
            return row_of(row)

    def record_held_out(self, trial_id: str, held_out: HeldOut) -> TrialDocument:
        """Add the result on the test split to a finished trial, unless it has one already.

        Returns the document as it is now.
        """
        with self._write() as session:
            row = self._get(session, trial_id)
            if row.document is None:
                raise StoreError(
                    f"Trial {trial_id} is {row.status}; evaluate it on the test split when it is"
                    " done."
                )
            document = TrialDocument.model_validate_json(row.document)
            if document.held_out is None:
                document = document.model_copy(update={"held_out": held_out})
                row.document = document.model_dump_json()
                session.add_all(held_out_rows(document))
                write_summary(session, row, document)  # readers of rows learn of the change
            return document

    # --- for the engine ---------------------------------------------------------------------------

    def claim(self, count: int = 1) -> list[TrialRow]:
        """Set up to `count` queued trials running: highest priority first, then oldest first."""
        queued = select(Trial).where(Trial.status == "queued")
        with self._read() as session:  # polled often, so it must not write for nothing
            if session.scalars(queued.limit(1)).first() is None:
                return []
        order = Trial.priority.desc(), Trial.queued_at, Trial.trial_id
        with self._write() as session:
            return [
                row_of(row)
                for row in session.scalars(queued.order_by(*order).limit(count)).all()
                if _swap(session, row, "queued", _claimed(row))
            ]

    def record_progress(self, trial_id: str, attempt: int, progress: Progress) -> bool:
        """Record the progress of a running trial; False for an attempt that is not current."""
        with self._write() as session:
            values = {"progress": progress.model_dump_json()}
            return _change(session, trial_id, attempt, values)

    def finish(self, trial_id: str, attempt: int, document: TrialDocument) -> bool:
        """Record a trial as done, with its measurements; False if it has ended before."""
        with self._write() as session:
            ended = _ended("done", None) | {"document": document.model_dump_json()}
            if not _change(session, trial_id, attempt, ended):
                return False
            machine = document.machine
            if machine and session.get(MachineRow, machine.id) is None:
                session.add(MachineRow(id=machine.id, fingerprint=machine.model_dump_json()))
            session.add_all(measurement_rows(document))
            write_summary(session, self._get(session, trial_id), document)
            return True

    def give_up(self, trial_id: str, attempt: int, status: Status, error: str) -> bool:
        """Record a trial as failed or cancelled; False if it has ended before."""
        with self._write() as session:
            return _change(session, trial_id, attempt, _ended(status, error))

    def requeue(self, trial_id: str, attempt: int, *, lost: bool) -> bool:
        """Queue a running trial again; `lost` when its worker died."""
        values = _unstarted() | ({"lost": Trial.lost + 1} if lost else {})
        with self._write() as session:
            return _change(session, trial_id, attempt, values)

    def requeue_running(self) -> int:
        """Queue the trials again that ran when the last engine died; how many were queued.

        Those with a requested cancellation are cancelled.
        """
        with self._write() as session:
            running = session.scalars(select(Trial).where(Trial.status == "running")).all()
            for row in running:
                _assign(row, _cancelled("Cancelled.") if row.cancel_requested else _unstarted())
            return sum(row.status == "queued" for row in running)

    def cancelling(self) -> set[str]:
        """Ids of running trials whose cancellation was requested."""
        query = select(Trial.trial_id).where(Trial.status == "running", Trial.cancel_requested)
        with self._read() as session:
            return set(session.scalars(query))


def _swap(session: Session, row: Trial, status: Status, values: dict[str, Any]) -> bool:
    """Update `row` only if it still has `status` and its attempt."""
    query = update(Trial).where(
        Trial.trial_id == row.trial_id, Trial.status == status, Trial.attempts == row.attempts
    )
    swapped = cast(CursorResult[Any], session.execute(query.values(**values))).rowcount == 1
    if swapped:
        session.refresh(row)
    return swapped


def _change(session: Session, trial_id: str, attempt: int, values: dict[str, Any]) -> bool:
    """Update a running trial only if `attempt` is its current attempt."""
    row = session.get(Trial, trial_id)
    if row is None or row.attempts != attempt:
        return False
    return _swap(session, row, "running", values)


def _queued(request: TrialRequest, priority: int) -> dict[str, Any]:
    """The columns of a trial that enters the queue, for the first time or again."""
    return {
        "model": request.model,
        "model_key": request.model_key,
        "task": request.task,
        "task_key": request.task_key,
        "request": request.model_dump_json(),
        "priority": priority,
        "queued_at": now(),
        "finished_at": None,
        "error": None,
        "lost": 0,
        "cancel_requested": False,
        "document": None,
    } | _unstarted()


def _unstarted() -> dict[str, Any]:
    return {"status": "queued", "started_at": None, "progress": None}


def _claimed(row: Trial) -> dict[str, Any]:
    return {
        "status": "running",
        "attempts": row.attempts + 1,
        "started_at": now(),
        "finished_at": None,
        "progress": None,
    }


def _ended(status: Status, error: str | None) -> dict[str, Any]:
    return {"status": status, "finished_at": now(), "error": error, "progress": None}


def _cancelled(reason: str) -> dict[str, Any]:
    return _ended("cancelled", reason)


def _assign(row: Trial, values: dict[str, Any]) -> None:
    for name, value in values.items():
        setattr(row, name, value)
