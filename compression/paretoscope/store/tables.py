"""The tables of the store, and the connection to the database.

The default is SQLite in WAL mode; the SQL is portable to other databases by SQLAlchemy URL. The
operations on the rows are in `trials.py`, `queue.py` and `engine_state.py`.
"""

from __future__ import annotations

import fcntl
import shutil
from collections.abc import Generator
from contextlib import contextmanager, nullcontext
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ClassVar

from sqlalchemy import DateTime, Dialect, Engine, Index, String, Text, create_engine, event
from sqlalchemy.exc import ArgumentError, DBAPIError, IntegrityError, NoSuchModuleError
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column
from sqlalchemy.schema import CreateIndex, CreateTable
from sqlalchemy.types import TypeDecorator

from paretoscope.errors import StoreError

SCHEMA_VERSION = 1
"""Increased when a table changes in a way that older versions would misread."""
BUSY_SECONDS = 15
"""How long a writer waits for another one before it fails."""
LEAST_FREE_BYTES = 200_000
"""Free space below which a disk counts as full; SQLite's files grow in steps of this size."""


class Utc(TypeDecorator[datetime]):
    """A time: aware in Python, naive UTC in the database, which may not store time zones."""

    impl = DateTime
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        return None if value is None else value.astimezone(UTC).replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        return None if value is None else value.replace(tzinfo=UTC)


class Table(DeclarativeBase):
    type_annotation_map: ClassVar[dict[Any, Any]] = {datetime: Utc, str: String(255)}


class Schema(Table):
    """One row: the version of the tables, and a counter that every visible write increases."""

    __tablename__ = "schema_version"
    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    version: Mapped[int]
    changes: Mapped[int]


class Trial(Table):
    """A request, its status and its document; `attempts` increases with each claim."""

    __tablename__ = "trials"
    trial_id: Mapped[str] = mapped_column(primary_key=True)
    model: Mapped[str] = mapped_column(Text)
    model_key: Mapped[str] = mapped_column(index=True)
    task: Mapped[str] = mapped_column(Text)
    task_key: Mapped[str]
    request: Mapped[str] = mapped_column(Text)
    status: Mapped[str] = mapped_column(index=True)
    priority: Mapped[int]
    queued_at: Mapped[datetime]
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None] = mapped_column(index=True)
    progress: Mapped[str | None] = mapped_column(Text)
    error: Mapped[str | None] = mapped_column(Text)
    attempts: Mapped[int]
    lost: Mapped[int]
    cancel_requested: Mapped[bool]
    document: Mapped[str | None] = mapped_column(Text)


class SummaryRow(Table):
    """What tables and plots show of a finished trial; `content` is that of `trials/summary.py`.

    `number` increases with each row that is written, so a reader asks only for later ones. `scope`
    is a hash of model, task, machine and conditions. When a trial is queued again, its row stays
    without content and scope, so that readers learn of it.
    """

    __tablename__ = "summaries"
    __table_args__ = (Index("summaries_of_scope", "scope", "recipe_id", "measured_at", "trial_id"),)
    trial_id: Mapped[str] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(index=True)
    version: Mapped[int] = mapped_column(index=True)
    scope: Mapped[str]
    model: Mapped[str] = mapped_column(Text)
    model_key: Mapped[str] = mapped_column(index=True)
    task: Mapped[str] = mapped_column(Text)
    task_key: Mapped[str]
    machine_id: Mapped[str | None]
    batch: Mapped[int | None]
    sequence: Mapped[int | None]
    threads: Mapped[int | None]
    recipe_id: Mapped[str]
    protocol: Mapped[str]
    measured_at: Mapped[datetime | None]
    queued_at: Mapped[datetime]
    content: Mapped[str | None] = mapped_column(Text)


class Measurement(Table):
    """One number about one artefact; rows are added and never changed."""

    __tablename__ = "measurements"
    id: Mapped[int] = mapped_column(primary_key=True)
    trial_id: Mapped[str] = mapped_column(index=True)
    role: Mapped[str]
    metric: Mapped[str]
    value: Mapped[float]
    low: Mapped[float | None]
    high: Mapped[float | None]
    n: Mapped[int | None]
    protocol: Mapped[str]
    conditions: Mapped[str]
    machine_id: Mapped[str | None]
    runtime: Mapped[str]
    taken_at: Mapped[datetime]


class MachineRow(Table):
    """A measuring machine; `fingerprint` is the JSON of `trial.Machine`."""

    __tablename__ = "machines"
    id: Mapped[str] = mapped_column(primary_key=True)
    fingerprint: Mapped[str] = mapped_column(Text)


class EngineRow(Table):
    """The running engine, at most one row."""

    __tablename__ = "engines"
    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    pid: Mapped[int]
    host: Mapped[str]
    started_at: Mapped[datetime]
    beat_at: Mapped[datetime]
    asked_at: Mapped[datetime]
    stays: Mapped[bool]


def connect(url: str, where: Path) -> Engine:
    """A connection pool to the database at `url`; missing tables are created.

    `where` is the workspace that error messages name. Raises `StoreError` when the database cannot
    be opened, is damaged, or was written by a newer version.
    """
    with plain_errors(where):
        try:
            engine = create_engine(
                url, connect_args={"timeout": BUSY_SECONDS} if url.startswith("sqlite") else {}
            )
        except (ArgumentError, NoSuchModuleError) as error:
            raise StoreError(
                f'The database URL "{url}" cannot be used: {error}; set PARETOSCOPE_DATABASE_URL to'
                " an SQLAlchemy URL."
            ) from error
        if engine.dialect.name == "sqlite":
            where.mkdir(parents=True, exist_ok=True)
            event.listen(engine, "connect", _tune_sqlite)
        with (
            _one_at_a_time(where / "opening.lock")
            if engine.dialect.name == "sqlite"
            else nullcontext()
        ):
            found = _schema_version(engine)
    if found > SCHEMA_VERSION:
        engine.dispose()
        raise StoreError(
            f'The workspace "{where}" was written by a newer version of Paretoscope (tables'
            f" {found}, this version reads {SCHEMA_VERSION}); update Paretoscope or choose another"
            " --workspace."
        )
    return engine


@contextmanager
def _one_at_a_time(path: Path) -> Generator[None]:
    """Hold a lock file, because SQLite fails at once when two processes set WAL mode."""
    with path.open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _tune_sqlite(connection: Any, _record: Any) -> None:
    """WAL mode lets readers proceed during writes; NORMAL loses nothing when a process dies."""
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=NORMAL")


def _schema_version(engine: Engine) -> int:
    """The version of the tables; missing tables and indices are created, in an old workspace too.

    Several processes may run it at the same time, because every statement may be repeated.
    """
    with engine.connect() as connection:
        made = engine.dialect.has_table(connection, SummaryRow.__tablename__)
    if not made:
        with engine.begin() as connection:
            for table in Table.metadata.sorted_tables:
                connection.execute(CreateTable(table, if_not_exists=True))
                for index in table.indexes:
                    connection.execute(CreateIndex(index, if_not_exists=True))
    with Session(engine) as session:
        row = session.get(Schema, 1)
        if row is not None:
            return row.version
        try:
            session.add(Schema(id=1, version=SCHEMA_VERSION, changes=0))
            session.commit()
        except IntegrityError:
            pass  # another process was first, with the same row
        return SCHEMA_VERSION


@contextmanager
def plain_errors(where: Path) -> Generator[None]:
    """Turn errors of the database or its disk into a `StoreError` with one sentence."""
    try:
        yield
    except DBAPIError as error:
        raise StoreError(_sentence(str(error.orig), where)) from error
    except OSError as error:
        raise StoreError(
            f'The workspace "{where}" cannot be used: {error.strerror or error}; choose a folder'
            " you may write to with --workspace."
        ) from error


def _no_room(where: Path) -> bool:
    """SQLite reports a full disk as an I/O error when it cannot make its shared memory file."""
    try:
        return shutil.disk_usage(where).free < LEAST_FREE_BYTES
    except OSError:
        return False


def _sentence(reason: str, where: Path) -> str:
    low = reason.lower()
    if "disk is full" in low or ("disk i/o" in low and _no_room(where)):
        return (
            f'The disk of the workspace "{where}" is full; free some space (the folder "cache"'
            " inside it may be deleted) and try again."
        )
    if "readonly" in low or "read-only" in low or "unable to open" in low:
        return (
            f'The database in the workspace "{where}" cannot be written ({reason}); choose a'
            " folder you may write to with --workspace."
        )
    if "not a database" in low or "malformed" in low:
        return (
            f'The file "store.db" in the workspace "{where}" is not a readable database'
            f" ({reason}); move it away or restore a copy."
        )
    if "locked" in low:
        return (
            f'The database in the workspace "{where}" is locked by another program'
            f" ({reason}); close that program and try again."
        )
    return (
        f'The database of the workspace "{where}" reported: {reason.splitlines()[0]}; check it or'
        " choose another --workspace."
    )
