"""Groups of small integers as operators of a graph: multiplied, looked up, or both.

Scales are stored in float16 and widened by a Cast, which the runtime folds when it loads the model.
MatMulNBits accepts real zero points, but then uses no integer kernel and widens the whole matrix in
every call: forty times slower for one token (measured, ONNX Runtime 1.31.1 on AVX2). A matrix with
real zero points therefore has extra columns, and `x` the sums for them (`float_zero_points.py`).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper

from paretoscope.graphs.graph import MICROSOFT
from paretoscope.quantization.packing.float_zero_points import digits, sums
from paretoscope.quantization.packing.groups import Groups

INT8_ARITHMETIC = 4
"""`accuracy_level` of MatMulNBits: activations may be rounded to int8."""


@dataclass(frozen=True)
class Stored:
    """Names of the parts of `groups` in a graph: initializers of codes, float32 values else."""

    groups: Groups
    codes: str
    scales: str
    zero_points: str
    """Empty if the operators use the middle code."""

    @property
    def grid(self) -> list[str]:
        """Inputs of an operator after the codes."""
        return [self.scales, *([self.zero_points] if self.zero_points else [])]


@dataclass
class Packing:
    """New `nodes` of a graph, in order, and the tensors `added` for them."""

    added: dict[str, np.ndarray] = field(default_factory=dict[str, np.ndarray])
    nodes: list[onnx.NodeProto] = field(default_factory=list[onnx.NodeProto])
    _made: set[str] = field(default_factory=set[str])
    _stored: dict[str, Stored] = field(default_factory=dict[str, Stored])

    def consumed(self) -> list[onnx.NodeProto]:
        """The nodes added since the last call."""
        nodes, self.nodes = self.nodes, []
        return nodes

    def store(self, name: str, groups: Groups, *, multiplied: bool = True) -> Stored:
        """Add groups to the graph.

        If they are only looked up and not `multiplied`, a row has whole bytes, not whole groups.
        Nodes that share a weight share what was stored first under its name.
        """
        if name in self._stored:
            return self._stored[name]
        codes = self._constant(
            f"{name}.codes", groups.packed_blocks() if multiplied else groups.packed_rows()
        )
        scales = self._node(
            "Cast",
            [self._constant(f"{name}.scales", groups.packed_scales())],
            f"{name}.scales.float",
            to=TensorProto.FLOAT,
        )
        points = (
            self._constant(f"{name}.zero_points", groups.packed_zero_points())
            if groups.has_zero_points
            else ""
        )
        self._stored[name] = Stored(groups, codes, scales, points)
        return self._stored[name]

    def multiply(self, x: str, parts: Sequence[Stored], node: onnx.NodeProto) -> None:
        """Replace `node` by the product of `x` [.., columns] and the rows of all parts."""
        outputs = (
            [node.output[0]] if len(parts) == 1 else [f"{part.codes}.product" for part in parts]
        )
        for part, output in zip(parts, outputs, strict=True):
            self._product(x, part, output, node.name if len(parts) == 1 else output)
        if len(parts) > 1:
            self._node("Concat", outputs, node.output[0], name=node.name, axis=-1)

    def look_up(self, parts: Sequence[Stored], node: onnx.NodeProto) -> None:
        """Replace `node`, a lookup of ids; of two parts the first holds the first ids."""
        ids, output = node.input[1], node.output[0]
        if len(parts) == 1:
            self._lookup(ids, parts[0], output, node.name)
            return
        first, rest = parts
        count = len(first.groups.codes)
        last = self._constant("frequent.last", np.array(count - 1))
        bound = self._constant("frequent.count", np.array(count))
        zero = self._constant("frequent.zero", np.array(0))
        first_ids = self._node("Min", [ids, last], "frequent.ids")
        self._lookup(first_ids, first, "frequent.words", "frequent.words")
        below = self._node("Sub", [ids, bound], "rest.ids.raw")
        self._lookup(self._node("Max", [below, zero], "rest.ids"), rest, "rest.words", "rest.words")
        chosen = self._node("Less", [ids, bound], "frequent.chosen")
        axis = self._constant("frequent.axis", np.array([-1]))
        chosen = self._node("Unsqueeze", [chosen, axis], "frequent.chosen.column")
        self._node("Where", [chosen, "frequent.words", "rest.words"], output, name=node.name)

    def _product(self, x: str, part: Stored, output: str, name: str) -> None:
        groups = part.groups
        if groups.float_zero_points is not None:
            extra = self._node("MatMul", [x, self._members(groups)], f"{output}.sums")
            x = self._node(
                "Concat", [extra] * digits(groups.bits) + [x], f"{output}.columns", axis=-1
            )
        self._node(
            "MatMulNBits",
            [x, part.codes, *part.grid],
            output,
            name=name,
            domain=MICROSOFT,
            K=groups.width,
            N=len(groups.codes),
            bits=groups.bits,
            block_size=groups.group_size,
            accuracy_level=INT8_ARITHMETIC,
        )

    def _lookup(self, ids: str, part: Stored, output: str, name: str) -> None:
        codes, groups = part.codes, part.groups
        if self.added[codes].ndim == 3:  # the same bytes in another shape
            codes = self._node("Flatten", [codes], f"{part.codes}.rows", axis=1)
        self._node(
            "GatherBlockQuantized",
            [codes, ids, *part.grid],
            output if groups.float_zero_points is None else f"{output}.columns",
            name=name,
            domain=MICROSOFT,
            bits=groups.bits,
            block_size=groups.group_size,
            gather_axis=0,
            quantize_axis=1,
        )
        if groups.float_zero_points is not None:
            self._with_zero_points(groups, output, name)

    def _with_zero_points(self, groups: Groups, output: str, name: str) -> None:
        """Add the real zero points to rows that were looked up with their columns."""
        count, columns = digits(groups.bits), groups.codes.shape[1]
        parts = [f"{output}.digit.{place}" for place in range(count)]
        widths = self._constant(
            f"columns.{columns}", np.array([(groups.width - columns) // count] * count + [columns])
        )
        self.nodes.append(
            helper.make_node(
                "Split",
                [f"{output}.columns", widths],
                [*parts, f"{output}.unshifted"],
                name=f"{output}.split",
                axis=-1,
            )
        )
        shifts = self._node("Sum", parts, f"{output}.shifts")
        shift = self._node(
            "FusedMatMul",
            [shifts, self._members(groups)],
            f"{output}.shift",
            domain=MICROSOFT,
            transB=1,
        )
        self._node("Add", [f"{output}.unshifted", shift], output, name=f"{name}.shifted")

    def _members(self, groups: Groups) -> str:
        """float32 [columns, sums]: 1 where a column is in a group. It sums columns by group."""
        columns, size = groups.codes.shape[1], groups.group_size
        name = f"members.{columns}.{size}"
        if name not in self._made:
            self._made.add(name)
            groups_of = np.repeat(np.arange(math.ceil(columns / size)), size)[:columns, None]
            member = np.equal(groups_of, np.arange(sums(math.ceil(columns / size), size)))
            stored = self._constant(f"{name}.bytes", member.astype(np.uint8))
            self._node("Cast", [stored], name, to=TensorProto.FLOAT)
        return name

    def _constant(self, name: str, value: np.ndarray) -> str:
        self.added[name] = value
        return name

    def _node(
        self, op: str, inputs: Sequence[str], output: str, name: str = "", **attributes: Any
    ) -> str:
        self.nodes.append(
            helper.make_node(op, list(inputs), [output], name=name or output, **attributes)
        )
        return output
