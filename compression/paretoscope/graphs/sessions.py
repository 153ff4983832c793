"""ONNX Runtime sessions for calibration and comparison; measurements use `measure/worker/`.

A session from bytes holds every tensor three times: in the graph, in the bytes and in the session.
`workbench` writes the tensors of a decoder to a temporary file, which the runtime maps, so a
changed copy of the graph is a few kB.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnxruntime import InferenceSession  # pyright: ignore[reportMissingTypeStubs]

from paretoscope.graphs.external_data import tensors_apart
from paretoscope.graphs.graph import is_decoder_graph
from paretoscope.inference.graph_io import MODEL
from paretoscope.inference.session import open_session


def session(model: onnx.ModelProto) -> InferenceSession:
    """A session on the CPU from a graph that contains its tensors."""
    return _session(model.SerializeToString())


def run(
    session: InferenceSession, outputs: Sequence[str], inputs: Mapping[str, Any]
) -> list[np.ndarray]:
    """The named outputs of a session."""
    typed: Any = session
    return typed.run(list(outputs), dict(inputs))


@dataclass(frozen=True)
class Workbench:
    """A model; if `folder` is set, its tensors are in a file there."""

    graph: onnx.ModelProto
    folder: Path | None

    def session(self, graph: onnx.ModelProto) -> InferenceSession:
        """A session for a changed copy of `graph`."""
        if self.folder is None:
            return session(graph)
        path = self.folder / MODEL
        path.write_bytes(graph.SerializeToString())
        return _session(str(path))


@contextmanager
def workbench(model: onnx.ModelProto) -> Generator[Workbench]:
    """Creates sessions for copies of `model`; they must not be used after the block."""
    if not is_decoder_graph(model):
        yield Workbench(model, None)
        return
    with tempfile.TemporaryDirectory(prefix="paretoscope-") as folder:
        yield Workbench(tensors_apart(model, Path(folder)), Path(folder))


def _session(model: bytes | str) -> InferenceSession:
    """As many threads as torch and numpy use (by default ONNX Runtime uses every core), and no
    spinning while idle, which would take cores from torch and numpy.
    """
    given = os.environ.get("OMP_NUM_THREADS", "")
    return open_session(model, threads=int(given) if given.isdigit() else 0, spinning=False)
