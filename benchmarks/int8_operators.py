"""Latency of int8 graphs in ONNX Runtime: dynamic and static, with and without operator fusion.

    python benchmarks/int8_operators.py [minilm-trec] [--batch 1] [--sequence 32] [--threads 1]

Runs are interleaved in one process; the minimum is reported because other work on the machine
disturbs it least. `paretoscope run` measures the latency of an artefact.
"""

from __future__ import annotations

import argparse
import tempfile
import time

import numpy as np
import onnx
import onnxruntime

from paretoscope import catalog
from paretoscope.engine.build import Bench
from paretoscope.engine.progress import Steps
from paretoscope.graphs.graph import matrices
from paretoscope.quantization.fuse import fuse
from paretoscope.quantization.int8 import quantize_dynamic, quantize_static
from paretoscope.recipes.recipe import Recipe
from paretoscope.workspace import Workspace

ROUNDS, RUNS = 30, 8


def forms(graph: onnx.ModelProto) -> dict[str, onnx.ModelProto]:
    """The graphs by name. The activation ranges are arbitrary: they do not affect latency."""
    ranges = {matrix.node.input[0]: (-4.0, 4.0) for matrix in matrices(graph)}
    dynamic, static = quantize_dynamic(graph, head=True), quantize_static(graph, ranges, head=True)
    return {
        "fp32": graph,
        "dynamic": dynamic,
        "dynamic, fused": fuse(dynamic),
        "static": static,
        "static, fused": fuse(static),
    }


def least_ms(
    models: dict[str, onnx.ModelProto], batch: int, sequence: int, threads: int
) -> dict[str, float]:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3
    # Sessions that spin would disturb each other.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    sessions = {
        name: onnxruntime.InferenceSession(
            model.SerializeToString(), options, providers=["CPUExecutionProvider"]
        )
        for name, model in models.items()
    }
    ids = np.random.default_rng(0).integers(1000, 20_000, size=(batch, sequence))
    feed = {"input_ids": ids, "attention_mask": np.ones_like(ids)}
    least = dict.fromkeys(sessions, float("inf"))
    for _ in range(ROUNDS):
        for name, session in sessions.items():
            for _ in range(RUNS):
                start = time.perf_counter()
                session.run(None, feed)
                least[name] = min(least[name], (time.perf_counter() - start) * 1e3)
    return least


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("model", nargs="?", default="minilm-trec")
    for name, value in (("batch", 1), ("sequence", 32), ("threads", 1)):
        parser.add_argument(f"--{name}", type=int, default=value)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as workspace:
        request = catalog.request(args.model, Recipe())
        made = Bench(request, Workspace.at(workspace), Steps(Recipe(), lambda progress: None)).make(
            Recipe()
        )
        graph = onnx.load(made.folder / "model.onnx")
    for name, least in least_ms(forms(graph), args.batch, args.sequence, args.threads).items():
        print(f"{name:20}{least:8.2f} ms")


if __name__ == "__main__":
    main()
