"""The operators of an ONNX file: how many of each, their weights, and the precision of these.

Only the graph is read: weights in `model.onnx.data` are counted from their types and shapes.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import onnx
from google.protobuf.message import DecodeError
from onnx import TensorProto

from paretoscope.artifact.pack import MODEL
from paretoscope.errors import ArtifactError

PREPARING = frozenset(
    "Cast Constant DequantizeLinear Flatten Identity Reshape Transpose Unsqueeze".split()
)
"""Operators that only prepare a stored tensor; it is counted where the result is used."""
NO_WEIGHTS: set[int] = {TensorProto.INT64, TensorProto.INT32, TensorProto.BOOL}
NAMES: dict[int, str] = {TensorProto.FLOAT: "float32", TensorProto.DOUBLE: "float64"}
"""Types that are called otherwise in numpy."""
SMALL_BITS: dict[int, int] = {
    TensorProto.INT4: 4,
    TensorProto.UINT4: 4,
    TensorProto.FLOAT4E2M1: 4,
    TensorProto.INT2: 2,
    TensorProto.UINT2: 2,
}
"""Types of which several values share a byte."""
Scopes = tuple[dict[str, TensorProto], ...]
"""Stored tensors by name: those of the outer graphs, then those of the graph itself."""
HEADER = ("operator", "count", "precision", "weight bytes", "share")
STANDARD = "ai.onnx"
"""Shown for the empty domain of the standard operators."""


@dataclass(frozen=True)
class OperatorRow:
    """All nodes of one operator whose weights have one precision.

    `precision` is the type of the largest stored tensor of a node ("float32", "int8"), or the bits
    of its packed codes ("4-bit"); empty without weights. `weight_bytes` counts every stored tensor
    of these nodes, scales and zero points too, and `share` is that of the whole file's.
    """

    operator: str
    domain: str
    precision: str
    count: int
    weight_bytes: int
    share: float

    def cells(self) -> tuple[str, ...]:
        """The row as text: operator, number, precision, bytes, share.

        >>> OperatorRow("MatMul", "ai.onnx", "float32", 26, 43_066_368, 0.474).cells()
        ('MatMul', '26', 'float32', '43,066,368', '47.4 %')
        """
        size, share = f"{self.weight_bytes:,}", f"{100 * self.share:.1f} %"
        return self.operator, str(self.count), self.precision or "–", size, share


@dataclass(frozen=True)
class OperatorTable:
    """The operators of one graph, most bytes first.

    A tensor that several nodes read is counted once, at the first of them.
    """

    rows: tuple[OperatorRow, ...]
    nodes: int
    weight_bytes: int
    opsets: dict[str, int]

    @property
    def with_weights(self) -> tuple[OperatorRow, ...]:
        return tuple(row for row in self.rows if row.weight_bytes)

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    def section(self) -> str:
        """The section of a model card: rows with weights, and how many nodes have none."""
        rows = "\n".join(f"| {' | '.join(row.cells())} |" for row in self.with_weights)
        return (
            f"## Operators\n\n| {' | '.join(HEADER)} |\n|---|---|---|---|---|\n{rows}\n\n"
            f"{self.in_words()} Netron and other viewers of ONNX files show the graph."
        )

    def in_words(self) -> str:
        """`71 operators, 18.5 MB of weights; 22 operators have none. Opset: ai.onnx 20.`"""
        none = self.nodes - sum(row.count for row in self.with_weights)
        opsets = ", ".join(f"{domain} {version}" for domain, version in self.opsets.items())
        return (
            f"{self.nodes} operators, {self.weight_bytes / 1e6:,.3g} MB of weights; {none}"
            f" operators have none. Opset: {opsets}."
        )


def read_operators(folder: Path) -> OperatorTable:
    """The operators of `model.onnx` in the folder of an artefact.

    Raises `ArtifactError` when there is no such file or it is no ONNX model.
    """
    path = folder / MODEL
    try:
        model = onnx.ModelProto.FromString(path.read_bytes())
    except FileNotFoundError as error:
        raise ArtifactError(
            f'There is no {MODEL} in "{folder}"; give a folder that `paretoscope export` wrote.'
        ) from error
    except (OSError, DecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not an ONNX model"
        raise ArtifactError(f'"{path}" cannot be read: {reason}; export it again.') from error
    return operators(model)


def operators(model: onnx.ModelProto) -> OperatorTable:
    """The operators of a graph and of the graphs within its nodes."""
    nodes: list[onnx.NodeProto] = []
    owned: list[list[TensorProto]] = []
    for graph, scopes in _graphs(model.graph):
        nodes += graph.node
        owned += _owned(graph, scopes)
    groups: dict[tuple[str, str, str], list[int]] = defaultdict(list)
    for node, tensors in zip(nodes, owned, strict=True):
        key = (node.op_type, node.domain or STANDARD, _precision(node, tensors))
        groups[key].append(sum(map(tensor_bytes, tensors)))
    total = sum(map(sum, groups.values()))
    rows = [
        OperatorRow(*key, len(sizes), sum(sizes), sum(sizes) / total if total else 0.0)
        for key, sizes in groups.items()
    ]
    rows.sort(key=lambda row: (-row.weight_bytes, -row.count, row.operator))
    opsets = {opset.domain or STANDARD: opset.version for opset in model.opset_import}
    return OperatorTable(tuple(rows), len(nodes), total, opsets)


def tensor_bytes(tensor: TensorProto) -> int:
    """Bytes of a stored tensor, by its type and shape.

    >>> tensor_bytes(TensorProto(data_type=TensorProto.FLOAT16, dims=[3, 5]))
    30
    >>> tensor_bytes(TensorProto(data_type=TensorProto.UINT4, dims=[3, 5]))
    8
    """
    return math.ceil(math.prod(tensor.dims) * _bits(tensor) / 8)


def _bits(tensor: TensorProto) -> int:
    if tensor.data_type in SMALL_BITS:
        return SMALL_BITS[tensor.data_type]
    return 8 * onnx.helper.tensor_dtype_to_np_dtype(tensor.data_type).itemsize


def _graphs(graph: onnx.GraphProto, outer: Scopes = ()) -> Iterator[tuple[onnx.GraphProto, Scopes]]:
    """The graph and, depth first, those within its nodes, such as the branches of an If.

    Each with the stored tensors that its nodes can read, innermost last.
    """
    scopes = (*outer, {tensor.name: tensor for tensor in graph.initializer})
    yield graph, scopes
    for node in graph.node:
        for attribute in node.attribute:
            for inner in (*([attribute.g] if attribute.HasField("g") else ()), *attribute.graphs):
                yield from _graphs(inner, scopes)


def _owned(graph: onnx.GraphProto, scopes: Scopes) -> list[list[TensorProto]]:
    """For each node the stored tensors that are counted at it; they are removed from `scopes`."""
    owned: list[list[TensorProto]] = []
    stored = {name for scope in scopes for name in scope}
    prepared: dict[str, int] = {}  # a value made from stored tensors only -> place of its node
    for place, node in enumerate(graph.node):
        tensors = [attribute.t for attribute in node.attribute if attribute.HasField("t")]
        for name in node.input:
            if scope := next((each for each in reversed(scopes) if name in each), None):
                tensors.append(scope.pop(name))
            if name in prepared:
                tensors += owned[prepared[name]]
                owned[prepared[name]] = []
        if node.op_type in PREPARING and all(
            name in stored or name in prepared for name in node.input
        ):
            prepared[node.output[0]] = place
        owned.append(tensors)
    return owned


def _precision(node: onnx.NodeProto, tensors: Iterable[TensorProto]) -> str:
    """The precision of the largest weight; shapes and indices are no weights."""
    weights = [tensor for tensor in tensors if tensor.data_type not in NO_WEIGHTS and tensor.dims]
    if not weights:
        return ""
    bits = next((each.i for each in node.attribute if each.name == "bits"), None)
    if bits is not None:
        return f"{bits}-bit"
    largest = max(weights, key=tensor_bytes).data_type
    return NAMES.get(largest) or TensorProto.DataType.Name(largest).lower()
