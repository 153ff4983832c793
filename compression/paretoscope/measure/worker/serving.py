"""The frame of every measuring process: request, answer, lifeline, and opening the model.

The request is one line of JSON on stdin, the answer the last line on stdout (`measure/worker/
messages.py`). Lines before it are progress, [done, of]. Stdin stays open as a lifeline: when the
parent process dies, the pipe closes and this process ends at once, so no measurement outlives the
lock that it runs under. The measurements themselves are in `classifier.py` and `decoder.py`.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import threading
import time
from collections.abc import Callable, Generator, Mapping
from typing import Any, TextIO

from paretoscope.inference.graph_io import PAST
from paretoscope.inference.session import open_session
from paretoscope.measure.worker.messages import Failure

INPUTS = ("input_ids", "attention_mask")
"""Inputs of every model; a decoder has its key-value cache as well."""
_RUNTIME_PREFIX = re.compile(r"\[ONNXRuntimeError\] : \d+ : \w+ : |Load model from \S+ failed: ?")
"""What ONNX Runtime puts before the reason: its name, a code, and the path of the model."""
PROGRESS_SECONDS = 0.25
_answers: TextIO | None = None
_reported_at = 0.0


class BrokenArtifactError(Exception):
    """The model cannot be loaded or run; the message is returned to the parent process."""


def serve(modes: Mapping[str, Callable[[Any], Any]]) -> None:
    """Read one request, answer it with the function of its mode, and end the process."""
    global _answers
    # Libraries that print to stdout are redirected to stderr: stdout carries the answer only.
    _answers = answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    request = json.loads(_read_line())
    threading.Thread(target=_end_with_parent, daemon=True).start()
    answer: Any
    try:
        answer = modes[request["mode"]](request)
    except BrokenArtifactError as error:
        answer = Failure(error=str(error))
    except OSError as error:
        answer = Failure(
            error=(
                f"The measuring process cannot read or write its files ({error}): free some space"
                " in the temporary folder."
            )
        )
    json.dump(answer, answers)
    answers.flush()
    # Without cleanup: taking a session apart costs more than leaving it to the kernel.
    os._exit(0)


def report(done: int, of: int) -> None:
    """Send progress, at most four times a second; not for use while something is timed."""
    global _reported_at
    now = time.monotonic()
    if _answers is None or (now - _reported_at < PROGRESS_SECONDS and done < of):
        return
    _reported_at = now
    _answers.write(f"{json.dumps([done, of])}\n")
    _answers.flush()


def _read_line() -> bytes:
    # Unbuffered: a buffered stdin would stay locked by the thread that waits for its end.
    line = b""
    while not line.endswith(b"\n") and (piece := os.read(0, 65536)):
        line += piece
    return line


def _end_with_parent() -> None:
    while os.read(0, 4096):
        pass
    os._exit(3)


def session(model: str, threads: int, *, spinning: bool = True, profile: str = "") -> Any:
    """A session of a model file, as a deployment would open it, with its inputs checked.

    Idle threads spin where time is measured, as they do by default. Where only outputs are needed,
    `spinning=False` halves the processor time. With `profile` the runtime's profiler is on.
    """
    with blame(model, "load"):
        opened = open_session(model, threads=threads, spinning=spinning, profile=profile)
    names = {each.name for each in opened.get_inputs()}
    if {name for name in names if not name.startswith(PAST)} != set(INPUTS):
        raise BrokenArtifactError(
            f'The model "{model}" has the inputs {", ".join(sorted(names))}: export it with'
            f" {' and '.join(INPUTS)}."
        )
    return opened


@contextlib.contextmanager
def blame(model: str, verb: str) -> Generator[None]:
    """Turn the exceptions of ONNX Runtime into one sentence that names the model.

    The runtime raises many types, with long messages that contain its own source paths.
    """
    try:
        yield
    except Exception as error:
        reason = _RUNTIME_PREFIX.sub("", " ".join(str(error).split()))
        reason = reason[:300] + " ..." if len(reason) > 300 else reason.rstrip(".")
        raise BrokenArtifactError(
            f'ONNX Runtime cannot {verb} the model "{model}" ({reason}): make the artefact again.'
        ) from error
