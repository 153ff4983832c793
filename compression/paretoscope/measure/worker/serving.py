"""What every measuring process has in common: how it is asked and answers, how it ends, and how a
session is opened.

A request is one line of JSON on stdin, an answer one on stdout (`measure/worker/messages.py`).
Stdin stays open as a lifeline: when the process that asked dies, however it dies, the pipe closes
and this one ends at once, so a measurement never outlives the lock it was taken under. What is
measured is `measure/worker/classifier.py`'s and `measure/worker/decoder.py`'s.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import threading
from collections.abc import Callable, Generator, Mapping
from typing import Any

import onnxruntime as ort

from paretoscope.inference.graph_io import PAST
from paretoscope.measure.worker.messages import Failure

INPUTS = ("input_ids", "attention_mask")
"""What every model takes; a decoder takes its past besides."""
_OWN_WORDS = re.compile(r"\[ONNXRuntimeError\] : \d+ : \w+ : |Load model from \S+ failed: ?")
"""What ONNX Runtime puts before the reason: its name, a code, and the path that the sentence has
already.
"""


class BrokenArtifactError(Exception):
    """The model cannot be loaded or run; the message is the sentence to hand back."""


def serve(modes: Mapping[str, Callable[[Any], Any]]) -> None:
    """Read one request, hand it to the function of its mode, write the answer, and end the process."""
    # Whatever a library prints to stdout goes to stderr: stdout carries the answer and nothing
    # else.
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
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
    # Nothing is left to put in order, and taking a session apart costs more than leaving it to the
    # kernel.
    os._exit(0)


def _read_line() -> bytes:
    # Unbuffered: a buffered stdin would stay locked by the thread that waits on it.
    line = b""
    while not line.endswith(b"\n") and (piece := os.read(0, 65536)):
        line += piece
    return line


def _end_with_parent() -> None:
    while os.read(0, 4096):
        pass
    os._exit(3)


def session(model: str, threads: int, *, spinning: bool = True) -> Any:
    """An ONNX Runtime session as a deployer would open it: all graph optimizations, CPU, a stated
    number of threads.

    Spinning of idle threads stays at its default (on) where time is taken, for that is what people
    run; where only answers are wanted, threads that wait asleep halve the processor time.
    """
    options = ort.SessionOptions()
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_ENABLE_ALL
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 4
    options.add_session_config_entry("session.intra_op.allow_spinning", "1" if spinning else "0")
    with blame(model, "load"):
        opened: Any = ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    names = {each.name for each in opened.get_inputs()}
    if {name for name in names if not name.startswith(PAST)} != set(INPUTS):
        raise BrokenArtifactError(
            f'The model "{model}" takes the inputs {", ".join(sorted(names))}: export it with'
            f" {' and '.join(INPUTS)}."
        )
    return opened


@contextlib.contextmanager
def blame(model: str, verb: str) -> Generator[None]:
    """Turns what ONNX Runtime raises (many types, long messages with its own source paths) into one
    sentence.
    """
    try:
        yield
    except Exception as error:
        reason = _OWN_WORDS.sub("", " ".join(str(error).split()))
        reason = reason[:300] + " ..." if len(reason) > 300 else reason.rstrip(".")
        raise BrokenArtifactError(
            f'ONNX Runtime cannot {verb} the model "{model}" ({reason}): make the artefact again.'
        ) from error
