"""ONNX Runtime sessions for work that is not timed: what is measured runs in `measure/worker.py`, in a process of its own."""

from __future__ import annotations

import onnx
import onnxruntime


def session(model: onnx.ModelProto) -> onnxruntime.InferenceSession:
    """A session on the CPU whose idle threads sleep: spinning ones would take the cores from torch and numpy in between."""
    options = onnxruntime.SessionOptions()
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
