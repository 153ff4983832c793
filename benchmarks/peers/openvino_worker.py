"""Worker process that runs a classifier in OpenVINO."""

from __future__ import annotations

from typing import Any

import openvino  # pyright: ignore[reportMissingImports]  optional

from benchmarks.peers.worker import Run, serve


def opened(request: dict[str, Any]) -> Run:
    """A model compiled for latency, with the options that OpenVINO's documentation recommends."""
    options = {"PERFORMANCE_HINT": "LATENCY", "INFERENCE_NUM_THREADS": request["threads"]}
    model = openvino.Core().compile_model(request["model"], "CPU", options)
    inference = model.create_infer_request()
    return lambda feed: inference.infer(feed)[0]


if __name__ == "__main__":
    serve(opened)
