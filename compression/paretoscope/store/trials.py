"""Reads trials from the store: by id, by the start of an id, by model, task and status."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import NamedTuple, cast

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from paretoscope.errors import StoreError
from paretoscope.store.database import Database
from paretoscope.store.tables import SummaryRow, Trial
from paretoscope.trials.progress import Progress
from paretoscope.trials.request import TrialRequest
from paretoscope.trials.trial import Status, TrialDocument

FEW = 500
"""Ids that a query can name; of more, all rows are read."""
SHORTEST_ID = 4
"""Minimum number of characters in an abbreviated trial id."""


@dataclass(frozen=True)
class TrialRow:
    """A trial in the store.

    `attempts` counts how often the engine has claimed it, `lost` how often its worker has died.
    """

    trial_id: str
    request_json: str
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
    def request(self) -> TrialRequest:
        return TrialRequest.model_validate_json(self.request_json)

    @cached_property
    def document(self) -> TrialDocument | None:
        """The document of a finished trial, parsed on first access; None before."""
        if self.document_json is None:
            return None
        return TrialDocument.model_validate_json(self.document_json)


class JobRow(NamedTuple):
    """A trial as the list of jobs has it; `recipe_id` is None until it is done."""

    trial_id: str
    model: str
    task: str
    recipe_id: str | None
    request_json: str
    status: Status
    priority: int
    queued_at: datetime
    progress_json: str | None
    error: str | None


class TrialReader(Database):
    """Queries on trials; they never write."""

    def trial(self, trial_id: str) -> TrialRow:
        with self._read() as session:
            return row_of(self._get(session, trial_id))

    def find(self, start: str) -> TrialRow:
        """The trial with this id, or the only one whose id starts with it (4 characters or more).

        Raises `StoreError` when there is none or several.
        """
        query = (
            select(Trial)
            .where(Trial.trial_id.startswith(start, autoescape=True))
            .order_by(Trial.trial_id)
        )
        with self._read() as session:
            found = list(session.scalars(query)) if len(start) >= SHORTEST_ID else []
            exact = [row for row in found if row.trial_id == start]
            if len(found) > 1 and not exact:
                candidates = ", ".join(map(_candidate, found))
                raise StoreError(
                    f'{len(found)} trials begin with "{start}": {candidates}; give more of the id.'
                )
            return row_of((exact or found)[0] if found else self._get(session, start))

    def trials(
        self,
        *,
        model: str | None = None,
        task: str | None = None,
        statuses: Sequence[Status] | None = None,
        ids: Sequence[str] | None = None,
    ) -> list[TrialRow]:
        """Trials in the order in which they run. `model` and `task` are names or content keys."""
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
            return [row_of(row) for row in session.scalars(query)]

    def ended(self, *statuses: Status, newest: int) -> list[TrialRow]:
        """The `newest` trials that ended with one of these statuses, the last one first."""
        query = select(Trial).where(Trial.status.in_(statuses), Trial.finished_at.is_not(None))
        query = query.order_by(Trial.finished_at.desc()).limit(newest)
        with self._read() as session:
            return [row_of(row) for row in session.scalars(query)]

    def jobs(self) -> list[JobRow]:
        """Every trial in the order in which they run, without its document."""
        query = (
            select(
                Trial.trial_id,
                Trial.model,
                Trial.task,
                SummaryRow.recipe_id,
                Trial.request,
                Trial.status,
                Trial.priority,
                Trial.queued_at,
                Trial.progress,
                Trial.error,
            )
            .outerjoin(SummaryRow, SummaryRow.trial_id == Trial.trial_id)
            .order_by(Trial.priority.desc(), Trial.queued_at, Trial.trial_id)
        )
        with self._read() as session:
            return [JobRow(*row) for row in session.execute(query)]

    def statuses(self) -> dict[Status, int]:
        """The number of trials by status."""
        query = select(Trial.status, func.count()).group_by(Trial.status)
        with self._read() as session:
            return {cast(Status, status): count for status, count in session.execute(query)}

    def document_texts(self, ids: Sequence[str]) -> dict[str, str]:
        """The documents of finished trials, as they are stored, by id."""
        wanted = set(ids)
        query = select(Trial.trial_id, Trial.document).where(Trial.status == "done")
        if len(wanted) <= FEW:
            query = query.where(Trial.trial_id.in_(wanted))
        with self._read() as session:
            rows = session.execute(query.execution_options(yield_per=1000))
            return {key: text for key, text in rows if key in wanted and text is not None}

    def finished_since(self, since: datetime) -> int:
        """The number of trials that were done at or after a time."""
        query = select(func.count()).where(Trial.finished_at >= since, Trial.status == "done")
        with self._read() as session:
            return session.scalar(query) or 0

    def last_request(
        self, model: str | None = None, task: str | None = None, *, compressed: bool = False
    ) -> TrialRequest | None:
        """The request that was queued last, of this model and task; `compressed`: with stages."""
        query = select(Trial.request).order_by(Trial.queued_at.desc())
        if model is not None:
            query = query.where(Trial.model == model)
        if task is not None:
            query = query.where(Trial.task == task)
        with self._read() as session:
            for text in session.scalars(query.execution_options(yield_per=20)):
                request = TrialRequest.model_validate_json(text)
                if request.recipe.stages or not compressed:
                    return request
        return None

    def newest_documents(
        self,
        newest: int,
        *,
        model: str | None = None,
        task: str | None = None,
        machine_id: str | None = None,
    ) -> list[TrialDocument]:
        """The documents of the `newest` finished trials, the oldest of them first."""
        query = select(SummaryRow.trial_id).where(SummaryRow.content.is_not(None))
        for column, value in (
            (SummaryRow.model, model),
            (SummaryRow.task, task),
            (SummaryRow.machine_id, machine_id),
        ):
            if value is not None:
                query = query.where(column == value)
        with self._read() as session:
            ids = list(session.scalars(query.order_by(SummaryRow.number.desc()).limit(newest)))
        found = self.trials(ids=ids)
        return [
            row.document for row in sorted(found, key=lambda row: row.queued_at) if row.document
        ]

    def document(self, trial_id: str) -> TrialDocument:
        """The document of a trial; for one that is not done, its request and status."""
        row = self.trial(trial_id)
        return row.document or unfinished(row)

    def documents(
        self, *, model: str | None = None, task: str | None = None
    ) -> list[TrialDocument]:
        """The documents of all finished trials, oldest first."""
        rows = self.trials(model=model, task=task, statuses=("done",))
        return [row.document for row in sorted(rows, key=lambda row: row.queued_at) if row.document]

    def _get(self, session: Session, trial_id: str) -> Trial:
        row = session.get(Trial, trial_id)
        if row is None:
            raise StoreError(
                f'There is no trial "{trial_id}" in the workspace "{self.root}"; list the trials'
                " with `paretoscope jobs`."
            )
        return row


def unfinished(row: TrialRow) -> TrialDocument:
    """The document of a trial that is not done: its request, status and error."""
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


def row_of(row: Trial) -> TrialRow:
    return TrialRow(
        trial_id=row.trial_id,
        request_json=row.request,
        status=cast(Status, row.status),
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


def _candidate(row: Trial) -> str:
    recipe = row_of(row).request.recipe
    return f"{row.trial_id} ({recipe.in_words()}, {row.status})"
