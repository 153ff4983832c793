"""One turn of an OpenVINO model in a fresh process: latency, or the logits of a split. The other
side of `encoders/openvino.py`.

It reads one line of JSON on stdin and answers with one on stdout, and warms up and samples with the
functions of the product's own worker on the same synthetic requests, so that only the runtime
differs.
"""

from __future__ import annotations

import gc
import json
import sys
import time
from typing import Any

import numpy as np
import openvino  # pyright: ignore[reportMissingImports]  an extra of the benchmark

from paretoscope.measure.worker.classifier import sample, synthetic_requests, warm_up


def compiled(request: dict[str, Any]) -> Any:
    """For one request at a time on a stated number of threads, as OpenVINO's documentation sets it."""
    options = {"PERFORMANCE_HINT": "LATENCY", "INFERENCE_NUM_THREADS": request["threads"]}
    return openvino.Core().compile_model(request["model"], "CPU", options)


def latency(request: dict[str, Any]) -> dict[str, Any]:
    feeds = synthetic_requests(
        request["batch"], request["sequence"], request["lowest_id"], request["highest_id"]
    )
    asking = compiled(request).create_infer_request()

    def run(number: int) -> int:
        feed = feeds[number % len(feeds)]
        start = time.perf_counter_ns()
        asking.infer(feed)
        return time.perf_counter_ns() - start

    gc.collect()
    gc.disable()
    warm_up(run, request["warm_up_s"])
    return {"samples_ns": sample(run, request)}  # pyright: ignore[reportArgumentType]  the same keys


def quality(request: dict[str, Any]) -> dict[str, Any]:
    """Each text alone and unpadded; the logits [n, classes] go to the file `outputs`."""
    with np.load(request["inputs"]) as inputs:
        texts = np.split(inputs["ids"], np.cumsum(inputs["lengths"])[:-1])
    asking = compiled(request).create_infer_request()
    rows = [
        np.array(
            asking.infer({"input_ids": ids[None], "attention_mask": np.ones_like(ids[None])})[0][0]
        )
        for ids in texts
    ]
    np.save(request["outputs"], np.stack(rows))
    return {}


if __name__ == "__main__":
    asked = json.loads(sys.stdin.readline())
    print(json.dumps(latency(asked) if asked["mode"] == "latency" else quality(asked)))
