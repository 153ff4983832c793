"""Locks between real processes: each child says on stdout what it holds, and lets go when its stdin
closes.
"""

from __future__ import annotations

import os
import select
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from paretoscope.errors import EngineError
from paretoscope.measure import locks
from paretoscope.workspace import PROJECT

_HOLD = """
import sys
from pathlib import Path
from paretoscope.measure import locks
with getattr(locks, sys.argv[1])(Path(sys.argv[2])):
    print("held", flush=True)
    sys.stdin.read()
"""
Start = Callable[[str], "subprocess.Popen[str]"]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """`start("compute")` is a process that asks for that lock."""
    children: list[subprocess.Popen[str]] = []

    def one(kind: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-c", _HOLD, kind, str(tmp_path)]
        child = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=PROJECT
        )
        children.append(child)
        return child

    yield one
    for child in children:
        child.kill()
        child.wait()
        for stream in (child.stdin, child.stdout):
            assert stream
            stream.close()


def _holds(child: subprocess.Popen[str], within_s: float = 10.0) -> bool:
    assert child.stdout
    return bool(select.select([child.stdout], [], [], within_s)[0])


def _waits(child: subprocess.Popen[str]) -> bool:
    return not _holds(child, 0.7)


def _let_go(child: subprocess.Popen[str]) -> None:
    assert child.stdin
    child.stdin.close()
    child.wait(10)


def test_compute_is_shared_and_a_measurement_waits_for_it(start: Start) -> None:
    one, two = start("compute"), start("compute")
    assert _holds(one)
    assert _holds(two)
    measurement = start("measuring")
    assert _waits(measurement)
    _let_go(one)
    _let_go(two)
    assert _holds(measurement)
    late = start("compute")
    assert _waits(late)
    _let_go(measurement)
    assert _holds(late)


def test_a_waiting_measurement_goes_before_compute_that_asks_later(start: Start) -> None:
    first = start("compute")
    assert _holds(first)
    measurement = start("measuring")
    assert _waits(measurement)
    later = start("compute")
    assert _waits(later)
    _let_go(first)
    assert _holds(measurement)
    assert _waits(later)
    _let_go(measurement)
    assert _holds(later)


def test_compute_reports_that_it_waits_only_if_it_does(start: Start, tmp_path: Path) -> None:
    reports: list[str] = []
    with locks.compute(tmp_path, waits=lambda: reports.append("waits")):
        pass
    other = start("compute")
    assert _holds(other)
    with locks.compute(tmp_path, waits=lambda: reports.append("waits")):
        assert reports == []
    _let_go(other)
    holder = start("measuring")
    assert _holds(holder)
    with locks.compute(tmp_path, waits=lambda: (reports.append("waits"), _let_go(holder))[0]):
        assert reports == ["waits"]


def test_a_killed_holder_lets_go(start: Start) -> None:
    holder = start("measuring")
    assert _holds(holder)
    waiting = start("measuring")
    assert _waits(waiting)
    holder.kill()
    assert _holds(waiting)


def test_a_child_process_does_not_keep_the_lock(start: Start, tmp_path: Path) -> None:
    with locks.compute(tmp_path):
        executed = subprocess.Popen(["sleep", "60"], close_fds=False)
        forked = os.fork()
        if forked == 0:
            time.sleep(60)
            os._exit(0)
    try:
        assert _holds(start("measuring"))
    finally:
        executed.kill()
        executed.wait()
        os.kill(forked, 9)
        os.waitpid(forked, 0)


def test_threads_of_one_process_exclude_each_other(tmp_path: Path) -> None:
    entered = threading.Event()

    def measure() -> None:
        with locks.measuring(tmp_path):
            entered.set()

    with locks.compute(tmp_path):
        thread = threading.Thread(target=measure)
        thread.start()
        assert not entered.wait(0.3)
    thread.join(10)
    assert entered.is_set()


def test_nesting_is_refused_and_an_error_lets_go(tmp_path: Path) -> None:
    with (
        pytest.raises(RuntimeError, match="do not nest"),
        locks.compute(tmp_path),
        locks.measuring(tmp_path),
    ):
        pass
    with locks.measuring(tmp_path):
        pass


def test_the_folder_of_locks_must_be_ones_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    assert locks.lock_folder() == tmp_path / f"paretoscope-{os.getuid()}"
    assert locks.lock_folder().stat().st_mode & 0o777 == 0o700
    locks.lock_folder().rmdir()
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / f"paretoscope-{os.getuid()}").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(EngineError, match="TMPDIR"):
        locks.lock_folder()
