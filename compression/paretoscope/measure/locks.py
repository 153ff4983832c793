"""Two locks for a whole host, so that nothing computes while something is measured.

Compute work holds the machine shared, a measurement holds it alone. The locks are `flock`s on files
in the temporary folder: the kernel lets go of them when their process dies, however it dies. They
are per host and per user; what one host measures never waits for another.

A measurement that waits goes before compute work that asks later: everyone passes a turnstile one
at a time, and a measurement stays in it until the machine is its own. So hold `compute()` for one
piece of work (a stage, an epoch), not for a whole queue.
"""

from __future__ import annotations

import fcntl
import os
import stat
import tempfile
import threading
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from paretoscope.errors import EngineError

_open: set[int] = set()
"""Descriptors of locks that this process holds or waits for."""
_thread = threading.local()


@contextmanager
def compute(folder: Path | None = None) -> Generator[None]:
    """Share the machine with other compute work; wait while a measurement runs or waits."""
    with _machine(fcntl.LOCK_SH, folder or lock_folder()):
        yield


@contextmanager
def measuring(folder: Path | None = None) -> Generator[None]:
    """Have the machine exclusively; wait for earlier compute work and measurements."""
    with _machine(fcntl.LOCK_EX, folder or lock_folder()):
        yield


def lock_folder() -> Path:
    """This user's folder of locks on this host, made when missing; refused when somebody else made
    it.
    """
    folder = Path(tempfile.gettempdir()) / f"paretoscope-{os.getuid()}"
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        found = folder.lstat()
    except OSError as error:
        raise EngineError(
            f'The folder of locks "{folder}" cannot be made ({error}): set TMPDIR to a folder that'
            " can be written."
        ) from error
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid():
        raise EngineError(
            f'The folder of locks "{folder}" belongs to another user: set TMPDIR to a folder of'
            " your own."
        )
    return folder


@contextmanager
def _machine(mode: int, folder: Path) -> Generator[None]:
    # Holding the machine while asking for it again would wait for itself for ever, so it is refused
    # at once.
    if getattr(_thread, "holds", False):
        raise RuntimeError(
            "compute() and measuring() do not nest: leave the one before asking for the other"
        )
    _thread.holds = True
    try:
        with _file(folder / "machine.lock") as machine:
            with _file(folder / "turnstile.lock") as turnstile:
                fcntl.flock(turnstile, fcntl.LOCK_EX)
                fcntl.flock(machine, mode)
            yield
    finally:
        _thread.holds = False


@contextmanager
def _file(path: Path) -> Generator[int]:
    """A descriptor of its own, so that threads of one process exclude each other too; closing it
    unlocks.

    Python's descriptors do not survive exec, and `_forget` closes them in a bare fork, so that no
    child keeps a lock.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    _open.add(descriptor)
    try:
        yield descriptor
    finally:
        _open.discard(descriptor)
        os.close(descriptor)


def _forget() -> None:
    for descriptor in _open:
        os.close(descriptor)
    _open.clear()
    _thread.holds = False


os.register_at_fork(after_in_child=_forget)
