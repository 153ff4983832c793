"""Checks a user's model with torch, in another process, before a trial is queued.

The program is `paretoscope/models/check.py`: this process never imports torch. The result is kept
in the workspace, so a model is checked once. What headers tell is checked in `folder.py`.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any, cast

import paretoscope
from paretoscope.errors import ModelError
from paretoscope.keys import content_key
from paretoscope.sources.ref import ModelRef
from paretoscope.workspace import subprocess_python_path, write_whole

PROGRAM = "paretoscope.models.check"
VERSION = 2
"""Increased when a check changes; stored results of other versions are not used."""
FEWEST_SECONDS, SECONDS_PER_GB = 900, 120
"""The check is stopped after the first plus the second for each gigabyte of weights."""

_passed: set[Path] = set()
"""Results without problems that this process has seen."""


def check_model(
    model: ModelRef, results: Path, announce: Callable[[], object] = lambda: None
) -> None:
    """Check a model whose result is not yet in the folder `results`; built-in models are not.

    `announce` is called before a check that takes seconds.

    Raises:
        ModelError: all problems of the model, a sentence each.
    """
    if model.kind == "builtin":
        return
    libraries = [paretoscope.__version__, *map(version, ("torch", "transformers"))]
    stored = results / f"{content_key(VERSION, libraries, model.name, model.key)}.json"
    if stored in _passed:
        return
    problems = _stored(stored)
    if problems is None:
        announce()
        problems = _run(model)
        with contextlib.suppress(OSError):  # the store reports a workspace that is not writable
            write_whole(stored, json.dumps({"problems": problems}))
    if problems:
        raise ModelError(" ".join(problems))
    _passed.add(stored)


def _stored(path: Path) -> list[str] | None:
    try:
        problems: Any = json.loads(path.read_text(encoding="utf-8"))["problems"]
        return cast(list[str], problems) if isinstance(problems, list) else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _run(model: ModelRef) -> list[str]:
    """The problems that the program finds; raises `ModelError` when it does not end normally."""
    gigabytes = _weight_bytes(model) / 1e9
    limit = FEWEST_SECONDS + SECONDS_PER_GB * gigabytes
    try:
        done = subprocess.run(
            [sys.executable, "-P", "-m", PROGRAM],
            input=model.model_dump_json().encode(),
            capture_output=True,
            timeout=limit,
            env={**os.environ, "PYTHONPATH": subprocess_python_path()},
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise ModelError(
            f'The check of "{model.name}" did not end within {limit:,.0f} s; copy the model to a'
            " faster disk, or try again when the machine is less busy."
        ) from error
    if done.returncode < 0:
        name = signal.Signals(-done.returncode).name
        raise ModelError(
            f'The process that loaded "{model.name}" ({gigabytes:,.3g} GB of weights) was ended by'
            f" {name}; free some memory, or copy or download the model again."
        )
    lines = done.stdout.decode(errors="replace").splitlines()
    try:
        found: dict[str, Any] = json.loads(lines[-1])
        return [str(each) for each in found["problems"]]
    except (IndexError, ValueError, KeyError, TypeError) as error:
        reason = (done.stderr.decode(errors="replace").strip().splitlines() or ["no output"])[-1]
        raise ModelError(
            f'"{model.name}" could not be checked: the process that loaded it ended with status'
            f" {done.returncode} ({reason.rstrip('.')}); copy or download the model again."
        ) from error


def _weight_bytes(model: ModelRef) -> int:
    path = Path(model.path or model.name)
    files = [path] if path.is_file() else path.glob("*.safetensors")
    return sum(file.stat().st_size for file in files)
