"""The process that measures a classifier, new for every turn and without torch.

It is started as `python -m paretoscope.measure.worker.classifier`. Requests and answers are handled
in `serving.py`; decoders are measured by `decoder.py`.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray

from paretoscope.measure.worker import energy, resident
from paretoscope.measure.worker.messages import (
    LatencyAnswer,
    LatencyRequest,
    QualityAnswer,
    QualityRequest,
)
from paretoscope.measure.worker.serving import (
    BrokenArtifactError,
    blame,
    report,
    serve,
    session,
)

Feed = dict[str, NDArray[np.int64]]
_STABLE = 0.02
"""Warm-up ends when the medians of two consecutive windows differ by less than this share."""
_WINDOW_RUNS, _WINDOW_S = 20, 0.15
_DIFFERENT_REQUESTS = 16

# --- latency, memory, energy ----------------------------------------------------------------------


def latency(request: LatencyRequest) -> LatencyAnswer:
    """One turn: memory of the empty runtime, load, warm-up, samples, and memory again."""
    feeds = synthetic_requests(
        request["batch"], request["sequence"], request["lowest_id"], request["highest_id"]
    )
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
    with blame(request["model"], "run"):
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
    """16 different requests of [batch, sequence] token ids in [lowest_id, highest_id), unpadded.

    They are the same in every process.
    """
    random = np.random.default_rng(0)
    mask = np.ones((batch, sequence), dtype=np.int64)
    return [
        {
            "input_ids": random.integers(lowest_id, highest_id, (batch, sequence), dtype=np.int64),
            "attention_mask": mask,
        }
        for _ in range(_DIFFERENT_REQUESTS)
    ]


def warm_up(run: Callable[[int], int], most_s: float) -> tuple[int, bool]:
    """Run until two consecutive windows have the same median within 2 %, or for `most_s` seconds.

    Returns (runs, whether the medians agreed).
    """
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
    """Nanoseconds of each run, in order; the request has the limits on runs and seconds."""
    samples: list[int] = []
    start = time.perf_counter()
    while True:
        samples.append(run(len(samples)))
        spent = time.perf_counter() - start
        if len(samples) >= request["samples"] and spent >= request["least_s"]:
            return samples
        if len(samples) >= request["fewest"] and spent >= request["most_s"]:
            return samples


# --- quality --------------------------------------------------------------------------------------


def quality(request: QualityRequest) -> QualityAnswer:
    """Logits of every text, in batches of equal length, so that no text is padded.

    Parallel batches go through one session of one thread, because threads that share a matrix
    product wait for one another at its end.
    """
    with np.load(request["inputs"]) as inputs:
        ids, lengths, order, sizes = (inputs[name] for name in ("ids", "lengths", "order", "sizes"))
    starts = np.concatenate([[0], np.cumsum(lengths)])
    opened = session(request["model"], threads=request["threads"], spinning=False)

    def run(batch: NDArray[np.int64]) -> NDArray[np.float32]:
        rows = np.stack([ids[starts[index] : starts[index + 1]] for index in batch])
        with blame(request["model"], "run"):
            feed = {"input_ids": rows, "attention_mask": np.ones_like(rows)}
            found = np.asarray(opened.run(None, feed)[0])
        if found.ndim != 2 or len(found) != len(batch):
            raise BrokenArtifactError(
                f'The model "{request["model"]}" gives outputs of shape {found.shape}: export'
                " logits [batch, classes]."
            )
        return found

    started = time.perf_counter()
    batches = np.split(order, np.cumsum(sizes)[:-1])
    with ThreadPoolExecutor(request["parallel"]) as threads:
        # the longest texts first, so that no thread gets one of them last
        found: list[NDArray[np.float32]] = []
        done = 0  # tokens, because texts of a batch differ in length from those of another
        for batch, rows in zip(reversed(batches), threads.map(run, reversed(batches)), strict=True):
            found.append(rows)
            done += int(lengths[batch].sum())
            report(done, len(ids))
    logits = np.empty((len(lengths), found[0].shape[1]), dtype=np.float32)
    logits[order] = np.concatenate(found[::-1])
    np.save(request["outputs"], logits)
    return {"seconds": time.perf_counter() - started}


if __name__ == "__main__":
    serve({"latency": latency, "quality": quality})
