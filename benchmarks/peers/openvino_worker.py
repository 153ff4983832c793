"""Worker process of `encoders/openvino.py`: latency of an OpenVINO model, or logits of a split.

Reads one line of JSON on stdin and writes one on stdout. Warm-up, sampling and synthetic requests
are those of the product's worker, so that only the runtime differs.
"""

from __future__ import annotations

import gc
import json
import sys
import time
from typing import Any

import numpy as np
import openvino  # pyright: ignore[reportMissingImports]  optional

from paretoscope.measure.worker.classifier import sample, synthetic_requests, warm_up


def compiled(request: dict[str, Any]) -> Any:
    """A model compiled for latency, with the options that OpenVINO's documentation recommends."""
    options = {"PERFORMANCE_HINT": "LATENCY", "INFERENCE_NUM_THREADS": request["threads"]}
    return openvino.Core().compile_model(request["model"], "CPU", options)


def latency(request: dict[str, Any]) -> dict[str, Any]:
    feeds = synthetic_requests(
        request["batch"], request["sequence"], request["lowest_id"], request["highest_id"]
    )
    inference = compiled(request).create_infer_request()

    def run(number: int) -> int:
        feed = feeds[number % len(feeds)]
        start = time.perf_counter_ns()
        inference.infer(feed)
        return time.perf_counter_ns() - start

    gc.collect()
    gc.disable()
    warm_up(run, request["warm_up_s"])
    return {"samples_ns": sample(run, request)}  # pyright: ignore[reportArgumentType]  the same keys


def quality(request: dict[str, Any]) -> dict[str, Any]:
    """Logits [n, classes] of unpadded texts in batches of one, saved to the file `outputs`."""
    with np.load(request["inputs"]) as inputs:
        texts = np.split(inputs["ids"], np.cumsum(inputs["lengths"])[:-1])
    inference = compiled(request).create_infer_request()
    rows = [
        np.array(
            inference.infer({"input_ids": ids[None], "attention_mask": np.ones_like(ids[None])})[0][
                0
            ]
        )
        for ids in texts
    ]
    np.save(request["outputs"], np.stack(rows))
    return {}


if __name__ == "__main__":
    request = json.loads(sys.stdin.readline())
    print(json.dumps(latency(request) if request["mode"] == "latency" else quality(request)))
