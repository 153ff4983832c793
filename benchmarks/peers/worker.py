"""The worker side of the protocol: latency or logits of a model in any runtime.

Reads one line of JSON on stdin and writes one on stdout. Warm-up, sampling and synthetic requests
are those of the product's worker, so that only the runtime differs. A worker module supplies a
function that opens a model.
"""

from __future__ import annotations

import gc
import json
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from paretoscope.measure.worker.classifier import sample, synthetic_requests, warm_up

Run = Callable[[dict[str, np.ndarray]], Any]
"""Logits [batch, classes] of `input_ids` and `attention_mask`, both int64 [batch, tokens]."""
Open = Callable[[dict[str, Any]], Run]
"""Opens `request["model"]` with `request["threads"]` threads."""


def serve(open_model: Open) -> None:
    """Answer the request on stdin; its `mode` is "latency" or "quality"."""
    request = json.loads(sys.stdin.readline())
    run = open_model(request)
    print(json.dumps(latency(run, request) if request["mode"] == "latency" else save(run, request)))


def latency(run: Run, request: dict[str, Any]) -> dict[str, Any]:
    """Nanoseconds of every timed request."""
    feeds = synthetic_requests(
        request["batch"], request["sequence"], request["lowest_id"], request["highest_id"]
    )

    def timed(number: int) -> int:
        feed = feeds[number % len(feeds)]
        start = time.perf_counter_ns()
        run(feed)
        return time.perf_counter_ns() - start

    gc.collect()
    gc.disable()
    warm_up(timed, request["warm_up_s"])
    return {"samples_ns": sample(timed, request)}  # pyright: ignore[reportArgumentType]  the same keys


def save(run: Run, request: dict[str, Any]) -> dict[str, Any]:
    """Save the logits [n, classes] of unpadded texts, in batches of one, to the file `outputs`."""
    with np.load(request["inputs"]) as inputs:
        texts = np.split(inputs["ids"], np.cumsum(inputs["lengths"])[:-1])
    rows: list[np.ndarray] = []
    for ids in texts:
        feed = {"input_ids": ids[None], "attention_mask": np.ones_like(ids[None])}
        rows.append(np.array(run(feed))[0])
    np.save(request["outputs"], np.stack(rows))
    return {}
