"""A decoder's graphs on disk: `model.onnx` and `score.onnx` of a few kB each, with shared tensors
in `model.onnx.data`.

The runtime maps a data file instead of copying it, and the 2 GB limit of protobuf does not apply.
"""

from __future__ import annotations

import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import onnx
from onnx import TensorProto, numpy_helper

from paretoscope.graphs.graph import with_all_logits
from paretoscope.inference.graph_io import DATA, MODEL, SCORE
from paretoscope.workspace import link_or_copy

ALIGNMENT = 64
"""Every tensor starts at a multiple of this many bytes, for vector instructions."""
REFERENCE_BYTES = 64
"""Most bytes that a graph needs to locate a tensor."""
INLINE_BYTES = 1024
"""Smaller tensors stay in the graph."""


def save_decoder(model: onnx.ModelProto, folder: Path) -> None:
    """Write the three files."""
    light = tensors_apart(model, folder)
    (folder / MODEL).write_bytes(light.SerializeToString())
    (folder / SCORE).write_bytes(with_all_logits(light).SerializeToString())


@contextmanager
def scorable(folder: Path) -> Generator[Path]:
    """A folder with `score.onnx`: this one, or a temporary one for an artefact, which has only the
    graph for generation.
    """
    if (folder / SCORE).is_file() or not (folder / DATA).is_file():
        yield folder
        return
    light: Any = onnx
    graph: onnx.ModelProto = light.load(folder / MODEL, load_external_data=False)
    with tempfile.TemporaryDirectory(prefix="paretoscope-") as made:
        link_or_copy(folder / DATA, Path(made) / DATA)
        (Path(made) / SCORE).write_bytes(with_all_logits(graph).SerializeToString())
        yield Path(made)


def tensors_apart(model: onnx.ModelProto, folder: Path) -> onnx.ModelProto:
    """Write the tensors into `folder` and return the graph that refers to them."""
    light = onnx.ModelProto(
        ir_version=model.ir_version,
        producer_name=model.producer_name,
        producer_version=model.producer_version,
    )
    light.opset_import.extend(model.opset_import)
    light.graph.name = model.graph.name
    light.graph.node.extend(model.graph.node)
    light.graph.input.extend(model.graph.input)
    light.graph.output.extend(model.graph.output)
    with (folder / DATA).open("wb") as file:
        for tensor in model.graph.initializer:
            content = numpy_helper.to_array(tensor).tobytes()
            if len(content) < INLINE_BYTES:
                light.graph.initializer.append(tensor)
                continue
            file.seek(-(-file.tell() // ALIGNMENT) * ALIGNMENT)
            light.graph.initializer.append(_elsewhere(tensor, file.tell(), len(content)))
            file.write(content)
    return light


def padding_bytes(model: onnx.ModelProto) -> int:
    """Most bytes by which the files may exceed a graph that contains its tensors."""
    return len(model.graph.initializer) * (ALIGNMENT + REFERENCE_BYTES)


def _elsewhere(tensor: TensorProto, offset: int, length: int) -> TensorProto:
    """A reference to a tensor in the data file."""
    result = TensorProto(
        name=tensor.name,
        data_type=tensor.data_type,
        dims=tensor.dims,
        data_location=TensorProto.EXTERNAL,
    )
    for key, value in (("location", DATA), ("offset", offset), ("length", length)):
        result.external_data.add(key=key, value=str(value))
    return result


def load_decoder(path: Path) -> onnx.ModelProto:
    """The graph with its tensors.

    `onnx.load` refuses data files with hard links, as the files of an artefact are.
    """
    library: Any = onnx
    model: onnx.ModelProto = library.load(path, load_external_data=False)
    with (path.parent / DATA).open("rb") as file:
        for tensor in model.graph.initializer:
            if tensor.data_location == TensorProto.EXTERNAL:
                place = {
                    entry.key: int(entry.value)
                    for entry in tensor.external_data
                    if entry.key != "location"
                }
                file.seek(place["offset"])
                tensor.raw_data = file.read(place["length"])
                tensor.ClearField("external_data")
                tensor.ClearField("data_location")
    return model
