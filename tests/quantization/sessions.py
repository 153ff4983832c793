"""ONNX Runtime sessions whose int8 sums are exact on every CPU, for tests that compare with
arithmetic.
"""

from __future__ import annotations

import onnx
import onnxruntime


def exact_session(model: onnx.ModelProto) -> onnxruntime.InferenceSession:
    """A session of `model`, its tensors in the graph.

    Without VNNI, ONNX Runtime adds pairs of uint8 x int8 products in 16 bits, which saturate (255 x
    127 x 2 > 32,767). With this entry it turns such weights into uint8 and multiplies them exactly;
    where the CPU has VNNI the entry changes nothing.
    """
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.add_session_config_entry("session.x64quantprecision", "1")
    return onnxruntime.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
