"""Transactions on the database of a workspace; the verbs of the store are built on them."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import Engine, select, update
from sqlalchemy.orm import Session

from paretoscope.store.tables import Schema, plain_errors


class Database:
    """A connection pool, and the folder of the workspace that error messages name."""

    def __init__(self, engine: Engine, root: Path) -> None:
        self._engine = engine
        self.root = root

    def close(self) -> None:
        self._engine.dispose()

    def version(self) -> int:
        """A number that increases with every visible change; cheap enough to poll every second."""
        with self._read() as session:
            return session.scalars(select(Schema.changes)).one()

    @contextmanager
    def _read(self) -> Generator[Session]:
        with plain_errors(self.root), Session(self._engine) as session:
            yield session

    @contextmanager
    def _write(self, *, visible: bool = True) -> Generator[Session]:
        """A transaction that takes the write lock with its first statement.

        What it reads is therefore valid until it commits. `visible` changes raise `version`.
        """
        with (
            plain_errors(self.root),
            Session(self._engine, expire_on_commit=False) as session,
            session.begin(),
        ):
            session.execute(update(Schema).values(changes=Schema.changes + int(visible)))
            yield session


def now() -> datetime:
    return datetime.now(UTC)
