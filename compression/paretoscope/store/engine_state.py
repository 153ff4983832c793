"""The heartbeat of the engine in the store: which process it is, and whether it is alive."""

from __future__ import annotations

import os
import socket
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import delete, update

from paretoscope.store.database import Database, now
from paretoscope.store.tables import EngineRow

ALIVE_SECONDS = 15
"""The engine beats every 2 s; after this many seconds without a beat it counts as dead."""


@dataclass(frozen=True)
class EngineState:
    """The engine of a workspace at its last heartbeat; `alive` is determined when it is read.

    `asked_at` is the time of the last request, `stays` whether the engine runs without any.
    """

    pid: int
    host: str
    started_at: datetime
    beat_at: datetime
    asked_at: datetime
    stays: bool
    alive: bool


class EngineHeartbeat(Database):
    """Records the engine's process; there is at most one per workspace."""

    def engine(self) -> EngineState | None:
        """The last known engine; None when none was started or the last one was stopped."""
        with self._read() as session:
            row = session.get(EngineRow, 1)
            return None if row is None else _state(row)

    def engine_started(self, pid: int, *, stays: bool) -> None:
        time = now()
        row = EngineRow(
            id=1,
            pid=pid,
            host=socket.gethostname(),
            started_at=time,
            beat_at=time,
            asked_at=time,
            stays=stays,
        )
        with self._write() as session:
            session.execute(delete(EngineRow))
            session.add(row)

    def engine_beat(self, pid: int) -> None:
        with self._write(visible=False) as session:
            session.execute(update(EngineRow).where(EngineRow.pid == pid).values(beat_at=now()))

    def engine_stopped(self, pid: int) -> None:
        with self._write() as session:
            session.execute(delete(EngineRow).where(EngineRow.pid == pid))

    def request_engine(self, *, stays: bool = False) -> None:
        """Postpone the end of an idle engine; with `stays`, it does not end by itself any more."""
        values: dict[str, Any] = {"asked_at": now()} | ({"stays": True} if stays else {})
        with self._write(visible=False) as session:
            session.execute(update(EngineRow).values(**values))


def _state(row: EngineRow) -> EngineState:
    fresh = now() - row.beat_at < timedelta(seconds=ALIVE_SECONDS)
    alive = fresh and (row.host != socket.gethostname() or process_runs(row.pid))
    return EngineState(
        row.pid, row.host, row.started_at, row.beat_at, row.asked_at, row.stays, alive
    )


def process_runs(pid: int) -> bool:
    """Whether a process of this host runs; a zombie does not."""
    try:
        os.kill(pid, 0)
        stat = Path(f"/proc/{pid}/stat").read_text()
    except ProcessLookupError:
        return False
    except OSError:
        return True  # it belongs to another user, or this system has no /proc
    return stat.rpartition(")")[2].split()[0] != "Z"
