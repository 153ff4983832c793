"""Two locks per host and user, so that nothing computes while something is measured.

Compute work holds the machine lock shared, a measurement holds it exclusively. The locks are
`flock`s on files in the temporary folder; the kernel releases them when their process dies.

A waiting measurement precedes compute work that comes later: each passes a turnstile lock, and a
measurement holds the turnstile until it has the machine. Hold `compute()` for one piece of work (a
stage, an epoch), not for a whole queue.
"""

from __future__ import annotations

import fcntl
import os
import stat
import tempfile
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path

from paretoscope.errors import EngineError

_open: set[int] = set()
"""File descriptors of locks that this process holds or waits for."""
_thread = threading.local()


@contextmanager
def compute(folder: Path | None = None, waits: Callable[[], None] | None = None) -> Generator[None]:
    """Share the machine with other compute work; wait while a measurement runs or waits.

    `waits` is called before waiting, and not at all if the machine is free.
    """
    with _machine(fcntl.LOCK_SH, folder or lock_folder(), waits):
        yield


@contextmanager
def measuring(folder: Path | None = None) -> Generator[None]:
    """Have the machine exclusively; wait for earlier compute work and measurements."""
    with _machine(fcntl.LOCK_EX, folder or lock_folder()):
        yield


def lock_folder() -> Path:
    """This user's folder of locks on this host; it is made when missing.

    Raises `EngineError` when it cannot be made or belongs to another user.
    """
    folder = Path(tempfile.gettempdir()) / f"paretoscope-{os.getuid()}"
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        found = folder.lstat()
    except OSError as error:
        raise EngineError(
            f'The folder of locks "{folder}" cannot be made ({error}): set TMPDIR to a writable'
            " folder."
        ) from error
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid():
        raise EngineError(
            f'The folder of locks "{folder}" belongs to another user: set TMPDIR to your own'
            " folder."
        )
    return folder


@contextmanager
def _machine(mode: int, folder: Path, waits: Callable[[], None] | None = None) -> Generator[None]:
    # a nested request would wait for itself for ever, so it is refused at once
    if getattr(_thread, "holds", False):
        raise RuntimeError(
            "compute() and measuring() do not nest: release one before requesting the other"
        )
    _thread.holds = True
    try:
        with _file(folder / "machine.lock") as machine:
            with _file(folder / "turnstile.lock") as turnstile:
                free = _lock_now(turnstile, fcntl.LOCK_EX)
                if not (free and _lock_now(machine, mode)):
                    if waits:
                        waits()
                    fcntl.flock(turnstile, fcntl.LOCK_EX)
                    fcntl.flock(machine, mode)
            yield
    finally:
        _thread.holds = False


def _lock_now(descriptor: int, mode: int) -> bool:
    """Lock a file unless another process holds it; whether it is locked."""
    try:
        fcntl.flock(descriptor, mode | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


@contextmanager
def _file(path: Path) -> Generator[int]:
    """A new descriptor, so that threads of one process exclude each other; closing it unlocks.

    Python's descriptors are closed by exec, and `_forget` closes them after a fork without exec, so
    child processes hold no lock.
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
