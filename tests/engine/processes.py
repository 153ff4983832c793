"""What tests of real processes ask and do."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

from paretoscope.trials.request import TrialRequest

TOY = "tests.engine.toy_trials:run_trial"


def toy(model: str, seed: int = 0) -> TrialRequest:
    return TrialRequest.model_validate({"model": model, "task": "toys", "recipe": {"seed": seed}})


def until(true: Callable[[], object], seconds: float = 20) -> float:
    """Seconds until `true()`; the test fails when it never is."""
    began = time.monotonic()
    while not true():
        assert time.monotonic() - began < seconds, "waited in vain"
        time.sleep(0.02)
    return time.monotonic() - began


def gone(pid: int) -> bool:
    """Whether a process has ended; a zombie has, it only waits to be collected."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True


def kill(pid: int) -> None:
    os.kill(pid, signal.SIGKILL)
