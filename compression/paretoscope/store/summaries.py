"""Summaries of finished trials in the store: one scope at once, and what scopes there are.

A summary is written in the transaction that ends its trial. A workspace of an earlier version gets
its summaries when it is opened.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Select, case, distinct, func, or_, select
from sqlalchemy.orm import Session

from paretoscope.machine import Machine
from paretoscope.recipes.recipe import Recipe
from paretoscope.store.database import Database
from paretoscope.store.tables import MachineRow, SummaryRow, Trial
from paretoscope.trials.request import Conditions
from paretoscope.trials.summary import SUMMARY_VERSION, Columns, Summary, read_summary, summary
from paretoscope.trials.trial import TrialDocument

AT_ONCE = 500
"""Documents of an old workspace that are read in one transaction."""
_READ: Any = tuple(
    SummaryRow.__table__.c[name]
    for name in (
        "trial_id number queued_at recipe_id model task protocol machine_id batch sequence threads"
        " measured_at content"
    ).split()
)
"""Columns of the table instead of attributes: rows without objects are read in half the time."""


class ScopeKey(NamedTuple):
    """Model, task, machine and conditions: what shares an axis."""

    model: str
    task: str
    machine_id: str | None
    conditions: Conditions | None

    @property
    def hash(self) -> str:
        at = self.conditions
        numbers = None if at is None else [at.batch, at.sequence, at.threads]
        text = json.dumps([self.model, self.task, self.machine_id, numbers])
        return hashlib.sha256(text.encode()).hexdigest()[:16]


@dataclass(frozen=True)
class MeasuredScope:
    """The trials of a scope, counted: `trials`, and `models` with different recipes, with the
    baseline, which every trial measures. `newest` is the date of the last one, `example` any one.
    """

    trials: int
    models: int
    newest: datetime | None
    example: Summary


@dataclass(frozen=True)
class Changes:
    """Summaries that are new since an earlier call, with the times at which they were queued.

    `removed` are ids of trials that were queued again; `last` is passed to the next call.
    """

    found: tuple[tuple[datetime, Summary], ...]
    removed: tuple[str, ...]
    last: int


class SummaryReader(Database):
    """Queries on summaries; they never write."""

    def summaries(self, scope: ScopeKey, *, after: int = 0) -> Changes:
        """The summaries of a scope; with `after` those written since the call that returned it."""
        rows = SummaryRow
        if after:
            query: Any = select(*_READ).where(rows.number > after, rows.scope.in_((scope.hash, "")))
        else:
            query = select(*_READ).where(rows.scope == scope.hash)
        with self._read() as session:
            last = session.scalar(select(func.max(rows.number))) or 0
            found: list[Any] = _fetched(session, query)
            read = [(row.queued_at, each) for row, each in _summaries(session, found)]
        removed = tuple(row.trial_id for row in found if row.content is None)
        return Changes(tuple(read), removed, last)

    def summaries_of(self, model: str, *, task: str | None = None) -> list[Summary]:
        """The summaries of a model by name or content key, oldest first."""
        rows = SummaryRow
        query: Any = select(*_READ).where(rows.content.is_not(None))
        query = query.where(or_(rows.model_key == model, rows.model == model))
        if task is not None:
            query = query.where(or_(rows.task == task, rows.task_key == task))
        with self._read() as session:
            found: list[Any] = _fetched(session, query.order_by(rows.queued_at, rows.trial_id))
            return [each for _, each in _summaries(session, found)]

    def last_summary(self) -> int:
        """The number of the summary written last; it increases with each finished trial."""
        with self._read() as session:
            return session.scalar(select(func.max(SummaryRow.number))) or 0

    def count_of(self, model: str) -> int:
        """Number of finished trials of a model of this name."""
        rows = SummaryRow
        query = select(func.count()).where(rows.model == model, rows.content.is_not(None))
        with self._read() as session:
            return session.scalar(query) or 0

    def scopes(self) -> list[MeasuredScope]:
        """What was measured, the scope of the newest trial last; no document is read."""
        with self._read() as session:
            counted = session.execute(_counted()).all()
            examples: Any = select(*_READ).where(
                SummaryRow.trial_id.in_([row.one for row in counted])
            )
            rows: list[Any] = _fetched(session, examples)
            by_id = {each.trial_id: each for _, each in _summaries(session, rows)}
        found = [
            MeasuredScope(row.trials, row.others + 1, row.newest, by_id[row.one]) for row in counted
        ]
        return sorted(found, key=lambda each: each.newest.timestamp() if each.newest else 0.0)


def _fetched(session: Session, query: Any) -> list[Any]:
    """The rows of a query on columns, which SQLAlchemy does not type."""
    found: Any = session.execute(query)
    return list(found)


def _counted() -> Select[int, int, datetime | None, str]:
    """By scope, from its index alone."""
    rows, baseline = SummaryRow, Recipe().id
    others = distinct(case((rows.recipe_id != baseline, rows.recipe_id)))
    return (
        select(
            func.count().label("trials"),
            func.count(others).label("others"),
            func.max(rows.measured_at).label("newest"),
            func.max(rows.trial_id).label("one"),
        )
        .where(rows.scope != "")
        .group_by(rows.scope)
    )


def _summaries(session: Session, found: Sequence[Any]) -> Iterator[tuple[Any, Summary]]:
    machines = {
        row.id: Machine.model_validate_json(row.fingerprint)
        for row in session.scalars(select(MachineRow))
    }
    conditions: dict[tuple[int, int, int], Conditions] = {}
    for row in found:
        if row.content is None:
            continue
        at = (row.batch, row.sequence, row.threads)
        if None not in at and at not in conditions:
            conditions[at] = Conditions(batch=at[0], sequence=at[1], threads=at[2])
        columns = Columns(
            row.trial_id,
            row.recipe_id,
            row.model,
            row.task,
            row.protocol,
            machines.get(row.machine_id),
            conditions.get(at),
            row.measured_at,
        )
        yield row, read_summary(columns, row.content)


# --- writing --------------------------------------------------------------------------------------


def write_summary(session: Session, trial: Trial, document: TrialDocument) -> None:
    """Add or replace the summary of a trial in the transaction that ends it."""
    session.merge(summary_row(trial, document, _next(session)))
    session.flush()


def summary_row(trial: Trial, document: TrialDocument, number: int) -> SummaryRow:
    """The row of a trial; `number` is larger than that of every row before it."""
    of = summary(document)
    machine_id, at = of.measured_under
    values = {
        "number": number,
        "version": SUMMARY_VERSION,
        "scope": ScopeKey(of.model, of.task, machine_id, at).hash,
        "model": of.model,
        "model_key": trial.model_key,
        "task": of.task,
        "task_key": trial.task_key,
        "machine_id": machine_id,
        "batch": at and at.batch,
        "sequence": at and at.sequence,
        "threads": at and at.threads,
        "recipe_id": of.recipe_id,
        "protocol": of.protocol,
        "measured_at": of.measured_at,
        "queued_at": trial.queued_at,
        "content": of.to_text(),
    }
    return SummaryRow(trial_id=trial.trial_id, **values)


def remove_summary(session: Session, trial_id: str) -> None:
    """Empty the summary of a trial that is queued again."""
    row = session.get(SummaryRow, trial_id)
    if row is not None and row.content is not None:
        row.number, row.version, row.scope, row.content = _next(session), 0, "", None


def _next(session: Session) -> int:
    return (session.scalar(select(func.max(SummaryRow.number))) or 0) + 1


class SummaryWriter(SummaryReader):
    """Makes the summaries that a workspace of an earlier version lacks."""

    def add_missing_summaries(self) -> int:
        """How many were made. Where none is missing, it costs two counts."""
        with self._read() as session:
            done = select(func.count()).where(Trial.status == "done")
            made = select(func.count()).where(SummaryRow.version == SUMMARY_VERSION)
            if session.scalar(done) == session.scalar(made):
                return 0
            current = select(SummaryRow.trial_id).where(SummaryRow.version == SUMMARY_VERSION)
            query = select(Trial.trial_id).where(
                Trial.status == "done", Trial.trial_id.not_in(current)
            )
            missing = list(session.scalars(query.order_by(Trial.queued_at)))
        for start in range(0, len(missing), AT_ONCE):
            self._add(missing[start : start + AT_ONCE])
        return len(missing)

    def _add(self, ids: Sequence[str]) -> None:
        with self._write(visible=False) as session:
            for row in session.scalars(select(Trial).where(Trial.trial_id.in_(ids))):
                if row.status == "done" and row.document is not None:
                    write_summary(session, row, TrialDocument.model_validate_json(row.document))
