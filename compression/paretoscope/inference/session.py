"""Opens ONNX Runtime sessions; everything that runs a graph on the CPU opens it here.

It imports the runtime only, because the measuring process opens its sessions here too. Measuring is
in `measure/`, generating text in `generate.py`.
"""

from __future__ import annotations

from typing import Any

import onnxruntime  # pyright: ignore[reportMissingTypeStubs]

runtime: Any = onnxruntime
"""The runtime has no type information."""


def open_session(model: str | bytes, *, threads: int, spinning: bool, profile: str = "") -> Any:
    """A CPU `InferenceSession` of a model file (a path) or of a serialized model (bytes).

    `threads` is the number of threads within an operator; 0 lets the runtime use every core. Idle
    threads spin by default in ONNX Runtime. Measurements keep that default because deployments have
    it; elsewhere `spinning=False` leaves the cores to other work. All graph optimizations are on.
    With `profile`, the start of a file's path, the runtime times every node, and `end_profiling` of
    the session writes the file. The runtime's exceptions are passed on; their only common type is
    `Exception`.
    """
    options = runtime.SessionOptions()
    options.graph_optimization_level = runtime.GraphOptimizationLevel.ORT_ENABLE_ALL
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 4  # errors are raised, so they need not be printed as well
    options.add_session_config_entry("session.intra_op.allow_spinning", str(int(spinning)))
    if profile:
        options.enable_profiling, options.profile_file_prefix = True, profile
    return runtime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def on_cpu(array: Any) -> Any:
    """An `OrtValue` on the memory of a numpy array, for input and output binding."""
    return runtime.OrtValue.ortvalue_from_numpy(array)
