"""ONNX Runtime sessions for work that is not timed: what is measured runs in `measure/worker.py`,
in a process of its own.

A session made of bytes has the tensors three times: in the graph, in the bytes and in the session.
`workbench` puts a decoder's into a temporary file instead, which the runtime maps, so what is
copied and changed for other outputs or fewer nodes is a graph of a few kB.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import onnx
import onnxruntime

from paretoscope.graphs.external_data import tensors_apart
from paretoscope.graphs.graph import is_decoder_graph
from paretoscope.inference.graph_io import MODEL


def session(model: onnx.ModelProto) -> onnxruntime.InferenceSession:
    """A session on the CPU, its tensors in the graph."""
    return _session(model.SerializeToString())


@dataclass(frozen=True)
class Workbench:
    """`graph` is the model, its tensors in `folder` where there is one."""

    graph: onnx.ModelProto
    folder: Path | None

    def session(self, graph: onnx.ModelProto) -> onnxruntime.InferenceSession:
        """A session of a graph that was made of `graph`."""
        if self.folder is None:
            return session(graph)
        path = self.folder / MODEL
        path.write_bytes(graph.SerializeToString())
        return _session(str(path))


@contextmanager
def workbench(model: onnx.ModelProto) -> Iterator[Workbench]:
    """A place to make sessions of parts of `model`; they are done with when it closes."""
    if not is_decoder_graph(model):
        yield Workbench(model, None)
        return
    with tempfile.TemporaryDirectory(prefix="paretoscope-") as folder:
        yield Workbench(tensors_apart(model, Path(folder)), Path(folder))


def _session(model: bytes | str) -> onnxruntime.InferenceSession:
    """Idle threads sleep: spinning ones would take the cores from torch and numpy in between.

    There are as many as torch and numpy have. The runtime by itself takes every core, whatever
    share of them the engine gave this process.
    """
    options = onnxruntime.SessionOptions()
    given = os.environ.get("OMP_NUM_THREADS", "")
    options.intra_op_num_threads = int(given) if given.isdigit() else 0
    options.log_severity_level = 3
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
