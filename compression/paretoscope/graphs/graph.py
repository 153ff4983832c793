"""Building and editing ONNX graphs: nodes, initializers, and the matrices of a graph.

The graphs of transformers are in `graphs/encoder.py` and `graphs/decoder.py`; quantization of a
matrix is in `quantization/`.
"""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from paretoscope import __version__

OPSET = 20
IR_VERSION = 10
MICROSOFT = "com.microsoft"
"""Domain of ONNX Runtime's own operators: attention, fused norms, integer matrices."""
EMBEDDING = "embedding.word"
"""Name of the initializer of the word embedding."""
HEAD = "head."
"""Prefix of the names of matrices after the layers, and of their nodes."""
LAST = "last.token"
"""Name of the node of a decoder that selects the last token."""


@dataclass
class Graph:
    """A graph under construction; `node` returns the name of its output."""

    nodes: list[onnx.NodeProto] = field(default_factory=list[onnx.NodeProto])
    initializers: dict[str, np.ndarray] = field(default_factory=dict[str, np.ndarray])

    def constant(self, name: str, value: np.ndarray) -> str:
        self.initializers[name] = np.asarray(value, order="C")
        return name

    def node(
        self,
        op: str,
        inputs: Sequence[str],
        output: str,
        *,
        also: Sequence[str] = (),
        name: str = "",
        domain: str = "",
        **attributes: Any,
    ) -> str:
        """Add an operator; `also` are further outputs, and `name` is by default that of the first
        output.
        """
        self.nodes.append(
            helper.make_node(
                op, list(inputs), [output, *also], name=name or output, domain=domain, **attributes
            )
        )
        return output

    def split(self, value: str, sizes: Sequence[int], outputs: Sequence[str]) -> list[str]:
        """Split the last axis of `value` into parts of the given sizes."""
        cuts = self.constant(f"{value}.cuts", np.array(sizes, dtype=np.int64))
        self.nodes.append(
            helper.make_node("Split", [value, cuts], list(outputs), name=f"{value}.split", axis=-1)
        )
        return list(outputs)

    def classifier(self, classes: int) -> onnx.ModelProto:
        """input_ids, attention_mask int64 [batch, sequence] -> logits float32 [batch, classes]."""
        inputs = [
            helper.make_tensor_value_info(name, TensorProto.INT64, ["batch", "sequence"])
            for name in ("input_ids", "attention_mask")
        ]
        return self.model(
            "classifier",
            inputs,
            [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["batch", classes])],
        )

    def model(
        self,
        name: str,
        inputs: Sequence[onnx.ValueInfoProto],
        outputs: Sequence[onnx.ValueInfoProto],
    ) -> onnx.ModelProto:
        tensors = (
            numpy_helper.from_array(value, name) for name, value in self.initializers.items()
        )
        return _model(name, self.nodes, inputs, outputs, tensors, {"": OPSET, MICROSOFT: 1})


def _model(
    name: str,
    nodes: Iterable[onnx.NodeProto],
    inputs: Iterable[onnx.ValueInfoProto],
    outputs: Iterable[onnx.ValueInfoProto],
    tensors: Iterable[onnx.TensorProto],
    opsets: Mapping[str, int],
) -> onnx.ModelProto:
    """A model; unlike the helpers of `onnx`, without two more copies of all weights."""
    model = onnx.ModelProto(
        ir_version=IR_VERSION, producer_name="paretoscope", producer_version=__version__
    )
    model.opset_import.extend(
        helper.make_opsetid(domain, version) for domain, version in opsets.items()
    )
    model.graph.name = name
    model.graph.node.extend(nodes)
    model.graph.input.extend(inputs)
    model.graph.output.extend(outputs)
    model.graph.initializer.extend(tensors)
    return model


@dataclass(frozen=True)
class Matrix:
    """A constant matrix: `node` computes x [.., rows] times `weight` [rows, columns]."""

    node: onnx.NodeProto
    name: str
    """Name of the weight's initializer."""
    weight: np.ndarray

    @property
    def in_head(self) -> bool:
        return self.node.name.startswith(HEAD)

    @property
    def tied(self) -> bool:
        """Whether it is the word embedding, whose initializer is [columns, rows]."""
        return self.name == EMBEDDING

    def as_stored(self, weight: np.ndarray) -> np.ndarray:
        """A weight [rows, columns] in the shape of the initializer."""
        return np.ascontiguousarray(weight.T) if self.tied else weight


def initializers(model: onnx.ModelProto) -> dict[str, onnx.TensorProto]:
    return {tensor.name: tensor for tensor in model.graph.initializer}


def matrices(model: onnx.ModelProto) -> Iterator[Matrix]:
    """Every MatMul with a constant float matrix on its right, in graph order; a tied head is a
    FusedMatMul with the transposed embedding.
    """
    tensors = initializers(model)
    for node in model.graph.node:
        if node.op_type in ("MatMul", "FusedMatMul") and node.input[1] in tensors:
            tensor = tensors[node.input[1]]
            if tensor.data_type == TensorProto.FLOAT and len(tensor.dims) == 2:
                weight = numpy_helper.to_array(tensor)
                yield Matrix(node, tensor.name, weight if node.op_type == "MatMul" else weight.T)


def embedding(model: onnx.ModelProto) -> tuple[onnx.NodeProto, np.ndarray] | None:
    """The Gather of the token embedding and its table [vocabulary, width]; None if the table is
    quantized.
    """
    tensors = initializers(model)
    for node in model.graph.node:
        if node.op_type == "Gather" and node.input[0] == EMBEDDING in tensors:
            tensor = tensors[EMBEDDING]
            if tensor.data_type == TensorProto.FLOAT:
                return node, numpy_helper.to_array(tensor)
    return None


def replace(
    model: onnx.ModelProto, replaced: dict[str, list[onnx.NodeProto]], added: dict[str, np.ndarray]
) -> onnx.ModelProto:
    """A copy with each node named in `replaced` replaced by other nodes, and with `added`
    initializers.

    Unused initializers are removed. The order of nodes does not change, so the graph stays sorted.
    """
    nodes = [new for node in model.graph.node for new in replaced.get(node.name, [node])]
    used = {name for node in nodes for name in node.input}
    kept = [tensor for tensor in model.graph.initializer if tensor.name in used]
    made = (
        numpy_helper.from_array(np.asarray(value, order="C"), name) for name, value in added.items()
    )
    opsets = {opset.domain: opset.version for opset in model.opset_import} | {MICROSOFT: 1}
    result = _model(
        model.graph.name,
        nodes,
        model.graph.input,
        model.graph.output,
        itertools.chain(kept, made),
        opsets,
    )
    result.ir_version = model.ir_version  # a traced graph has its own
    return result


def with_outputs(model: onnx.ModelProto, names: Iterable[str]) -> onnx.ModelProto:
    """A copy with the named values as outputs, in that order."""
    observed = onnx.ModelProto()
    observed.CopyFrom(model)
    del observed.graph.output[:]
    observed.graph.output.extend(
        helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in names
    )
    return observed


def with_all_logits(model: onnx.ModelProto) -> onnx.ModelProto:
    """A decoder's graph with logits [batch, sequence, vocabulary] for every token; any other graph
    is returned unchanged.
    """
    pick = next((node for node in model.graph.node if node.name == LAST), None)
    if pick is None:
        return model
    result = replace(
        model, {LAST: [helper.make_node("Identity", [pick.input[0]], pick.output, name=LAST)]}, {}
    )
    result.graph.output[0].type.tensor_type.shape.dim[1].Clear()
    result.graph.output[0].type.tensor_type.shape.dim[1].dim_param = "sequence"
    return result


@dataclass(frozen=True)
class Entry:
    """An input of a graph, with the attributes that ONNX Runtime sessions use."""

    name: str
    type: str
    shape: tuple[int | str, ...]


def entries(model: onnx.ModelProto) -> list[Entry]:
    """The inputs of a graph, without a session."""
    found: list[Entry] = []
    for value in model.graph.input:
        kind = value.type.tensor_type
        name = TensorProto.DataType.Name(kind.elem_type).lower()
        found.append(
            Entry(
                value.name,
                f"tensor({name})",
                tuple(side.dim_param or side.dim_value for side in kind.shape.dim),
            )
        )
    return found


def is_decoder_graph(model: onnx.ModelProto) -> bool:
    return any(node.name == LAST for node in model.graph.node)


def graph_key(model: onnx.ModelProto) -> str:
    """16 hex digits of the graph's content, weights included."""
    return hashlib.sha256(model.SerializeToString(deterministic=True)).hexdigest()[:16]


def payload_bytes(model: onnx.ModelProto) -> int:
    """Bytes of all initializers, without the nodes."""
    return sum(numpy_helper.to_array(tensor).nbytes for tensor in model.graph.initializer)


def save(model: onnx.ModelProto, path: Path) -> None:
    path.write_bytes(model.SerializeToString())
