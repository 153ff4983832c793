"""Commands that the page starts in processes of their own, with progress and cancellation.

A command continues when the browser is closed and writes its result at the end. The state is that
of the page server, so every session sees the same jobs.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from typing import IO

import streamlit as st

from paretoscope.workspace import subprocess_python_path

LAST_BYTES = 4000
"""Bytes of the end of the output that are read for the progress and the error."""
OF = re.compile(r"(\d+) of (\d+)")


@dataclass
class Job:
    """A running or ended command; its output is in an unnamed temporary file."""

    process: subprocess.Popen[bytes]
    output: IO[bytes]
    canceled: bool = False

    @property
    def running(self) -> bool:
        return self.process.poll() is None

    @property
    def last_line(self) -> str:
        """The last line of its output."""
        size = self.output.seek(0, os.SEEK_END)
        self.output.seek(max(0, size - LAST_BYTES))
        lines = self.output.read().decode(errors="replace").splitlines()
        return next((line.strip() for line in reversed(lines) if line.strip()), "")

    @property
    def share(self) -> float:
        """How much is done, from 0 to 1, by "3 of 26" in the last line."""
        found = OF.search(self.last_line)
        return min(1.0, int(found[1]) / max(1, int(found[2]))) if found else 0.0

    def cancel(self) -> None:
        """End the command and the processes that it started."""
        self.canceled = True
        try:
            os.killpg(self.process.pid, signal.SIGTERM)
        except ProcessLookupError:
            return

    @property
    def error(self) -> str:
        """Why it failed; empty while it runs, after success and after a cancellation."""
        if self.running or self.canceled or self.process.returncode == 0:
            return ""
        return self.last_line.removeprefix("paretoscope: ") or "The command ended without a result."


@st.cache_resource(show_spinner=False)
def _jobs() -> dict[str, Job]:
    return {}


def job(key: str) -> Job | None:
    """The last job of a key."""
    return _jobs().get(key)


def start(key: str, arguments: Sequence[str]) -> None:
    """Run `paretoscope` with `arguments`, unless the job of this key still runs."""
    found = job(key)
    if found is not None and found.running:
        return
    output = tempfile.TemporaryFile()  # noqa: SIM115 - read while the command runs
    process = subprocess.Popen(
        [sys.executable, "-P", "-m", "paretoscope", *arguments],
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=output,
        env={**os.environ, "PYTHONPATH": subprocess_python_path()},
        start_new_session=True,
    )
    _jobs()[key] = Job(process, output)
