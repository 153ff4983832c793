"""The process that measures: `python -m compression.measure.worker`, fresh for every turn, without torch.

It reads one line of JSON on stdin and answers with one on stdout (`messages.py`). Its stdin stays open as a
lifeline: when the process that asked dies, however it dies, the pipe closes and this one ends at once, so
a measurement never outlives the lock it was taken under.
"""

from __future__ import annotations

import contextlib
import gc
import json
import os
import re
import threading
import time
from collections.abc import Callable, Generator
from typing import Any, cast

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from compression.measure import energy, resident
from compression.measure.messages import Failure, LatencyAnswer, LatencyRequest, QualityAnswer, QualityRequest

Feed = dict[str, NDArray[np.int64]]
_INPUTS = ("input_ids", "attention_mask")
_STABLE = 0.02
"""Warm-up ends when the medians of two windows in a row differ by less."""
_WINDOW_RUNS, _WINDOW_S = 20, 0.15
_DIFFERENT_REQUESTS = 16
_OWN_WORDS = re.compile(r"\[ONNXRuntimeError\] : \d+ : \w+ : |Load model from \S+ failed: ?")
"""What ONNX Runtime puts before the reason: its name, a code, and the path that the sentence has already."""


class _BrokenArtifactError(Exception):
    """The model cannot be loaded or run; the message is the sentence to hand back."""


def main() -> None:
    # Whatever a library prints to stdout goes to stderr: stdout carries the answer and nothing else.
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    request = json.loads(_read_line())
    threading.Thread(target=_end_with_parent, daemon=True).start()
    answer: LatencyAnswer | QualityAnswer | Failure
    try:
        answer = latency(request) if request["mode"] == "latency" else quality(request)
    except _BrokenArtifactError as error:
        answer = {"error": str(error)}
    except OSError as error:
        answer = {"error": f"The measuring process cannot read or write its files ({error}): free some space in the temporary folder."}
    json.dump(answer, answers)
    answers.flush()
    # Nothing is left to put in order, and taking a session apart costs more than leaving it to the kernel.
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
    """An ONNX Runtime session as a deployer would open it: all graph optimizations, CPU, a stated number of threads.

    Spinning of idle threads stays at its default (on) where time is taken, for that is what people run; where only
    answers are wanted, threads that wait asleep halve the processor time.
    """
    options = ort.SessionOptions()
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_ENABLE_ALL
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 4
    options.add_session_config_entry("session.intra_op.allow_spinning", "1" if spinning else "0")
    with _blame(model, "load"):
        opened: Any = ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    names = {each.name for each in opened.get_inputs()}
    if names != set(_INPUTS):
        raise _BrokenArtifactError(f'The model "{model}" takes the inputs {", ".join(sorted(names))}: export it with {" and ".join(_INPUTS)}.')
    return opened


@contextlib.contextmanager
def _blame(model: str, verb: str) -> Generator[None]:
    """Turns what ONNX Runtime raises (many types, long messages with its own source paths) into one sentence."""
    try:
        yield
    except Exception as error:
        reason = _OWN_WORDS.sub("", " ".join(str(error).split()))
        reason = reason[:300] + " ..." if len(reason) > 300 else reason.rstrip(".")
        raise _BrokenArtifactError(f'ONNX Runtime cannot {verb} the model "{model}" ({reason}): make the artefact again.') from error


# --- latency, memory, energy ----------------------------------------------------------------------------


def latency(request: LatencyRequest) -> LatencyAnswer:
    """One turn: memory of the empty runtime, load, warm-up, samples, memory again."""
    feeds = synthetic_requests(request["batch"], request["sequence"], request["lowest_id"], request["highest_id"])
    empty = resident.now()
    was_reset = resident.reset_peak()
    started = time.perf_counter_ns()
    opened = session(request["model"], request["threads"])
    load_ms = (time.perf_counter_ns() - started) * 1e-6
    loaded = resident.now()

    def run(number: int) -> int:
        feed = feeds[number % len(feeds)]
        start = time.perf_counter_ns()
        opened.run(None, feed)
        return time.perf_counter_ns() - start

    gc.collect()
    gc.disable()
    with _blame(request["model"], "run"):
        warm_up_runs, stable = warm_up(run, request["warm_up_s"])
        counters = energy.read_counters()
        samples = sample(run, request)
        joules = energy.joules_between(counters, energy.read_counters())
    steady = resident.now()
    return {
        "samples_ns": samples,
        "load_ms": load_ms,
        "warm_up_runs": warm_up_runs,
        "stable": stable,
        "empty_bytes": empty,
        "loaded_bytes": loaded,
        "peak_bytes": max(resident.peak(), loaded, steady),
        "steady_bytes": steady,
        "peak_from_start": not was_reset,
        "joules": joules,
    }


def synthetic_requests(batch: int, sequence: int, lowest_id: int, highest_id: int) -> list[Feed]:
    """Sixteen different requests of [batch, sequence] token ids within [lowest_id, highest_id), no padding. Always the same."""
    random = np.random.default_rng(0)
    mask = np.ones((batch, sequence), dtype=np.int64)
    return [
        {"input_ids": random.integers(lowest_id, highest_id, (batch, sequence), dtype=np.int64), "attention_mask": mask}
        for _ in range(_DIFFERENT_REQUESTS)
    ]


def warm_up(run: Callable[[int], int], most_s: float) -> tuple[int, bool]:
    """Run until two windows in a row have the same median within 2 %, or for `most_s` seconds. Returns (runs, whether they agreed)."""
    runs, previous, end = 0, None, time.perf_counter() + most_s
    while time.perf_counter() < end or runs < 2:
        window: list[int] = []
        window_end = time.perf_counter() + _WINDOW_S
        while len(window) < _WINDOW_RUNS and (len(window) < 2 or time.perf_counter() < window_end):
            window.append(run(runs))
            runs += 1
        median = float(np.median(window))
        if previous is not None and abs(median - previous) <= _STABLE * previous:
            return runs, True
        previous = median
    return runs, False


def sample(run: Callable[[int], int], request: LatencyRequest) -> list[int]:
    """Nanoseconds of each run in order, as many as the request says."""
    samples: list[int] = []
    start = time.perf_counter()
    while True:
        samples.append(run(len(samples)))
        spent = time.perf_counter() - start
        if len(samples) >= request["samples"] and spent >= request["least_s"]:
            return samples
        if len(samples) >= request["fewest"] and spent >= request["most_s"]:
            return samples


# --- quality ----------------------------------------------------------------------------------------------


def quality(request: QualityRequest) -> QualityAnswer:
    """Logits of every text through the model, in batches of equal length, so that no text is padded."""
    with np.load(request["inputs"]) as inputs:
        ids, lengths, order, sizes = (inputs[name] for name in ("ids", "lengths", "order", "sizes"))
    starts = np.concatenate([[0], np.cumsum(lengths)])
    opened = session(request["model"], request["threads"], spinning=False)
    logits: NDArray[np.float32] | None = None
    started = time.perf_counter()
    for batch in np.split(order, np.cumsum(sizes)[:-1]):
        rows = np.stack([ids[starts[index] : starts[index + 1]] for index in batch])
        with _blame(request["model"], "run"):
            found: NDArray[np.float32] = opened.run(None, {"input_ids": rows, "attention_mask": np.ones_like(rows)})[0]
        if found.ndim != 2 or len(found) != len(batch):
            raise _BrokenArtifactError(f'The model "{request["model"]}" gives outputs of shape {found.shape}: export logits [batch, classes].')
        if logits is None:
            logits = np.empty((len(lengths), found.shape[1]), dtype=np.float32)
        logits[batch] = found
    np.save(request["outputs"], cast("NDArray[np.float32]", logits))
    return {"seconds": time.perf_counter() - started}


if __name__ == "__main__":
    main()
