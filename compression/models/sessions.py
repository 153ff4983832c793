"""Sessions of a graph that is in memory, as calibration needs them: other outputs, or only a part of the nodes.

A session made of bytes has the tensors three times: in the graph, in the bytes and in the session. A decoder's lie in a temporary file
instead, which the runtime maps, so what is copied and changed is a graph of a few kB.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import onnx
import onnxruntime

from compression.decoder_io import MODEL
from compression.models.decoder_files import tensors_apart
from compression.models.graph import is_decoder_graph


@dataclass(frozen=True)
class Workbench:
    """`graph` is the model, its tensors in `folder` where there is one."""

    graph: onnx.ModelProto
    folder: Path | None

    def session(self, graph: onnx.ModelProto, options: onnxruntime.SessionOptions | None = None) -> onnxruntime.InferenceSession:
        """A session of a graph that was made of `graph`."""
        if self.folder is None:
            return onnxruntime.InferenceSession(graph.SerializeToString(), options, providers=["CPUExecutionProvider"])
        path = self.folder / MODEL
        path.write_bytes(graph.SerializeToString())
        return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


@contextmanager
def workbench(model: onnx.ModelProto) -> Iterator[Workbench]:
    """A place to make sessions of parts of `model`; they are done with when it closes."""
    if not is_decoder_graph(model):
        yield Workbench(model, None)
        return
    with tempfile.TemporaryDirectory(prefix="paretoscope-") as folder:
        yield Workbench(tensors_apart(model, Path(folder)), Path(folder))
