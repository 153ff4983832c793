"""Groups of small integers as tensors and operators of a graph: multiplied with, looked up, or both from the same bytes.

Scales are kept in half precision and widened by a Cast, which the runtime folds when it loads the model. MatMulNBits does take real zero
points, but then leaves its integer kernel and widens the whole matrix in every call, forty times slower for one token (measured, ONNX Runtime
1.31.1 on AVX2). So codes with real zero points are multiplied as if zero were the middle code, and what that leaves out, one number a group,
is added: x W^T = x (scales * (codes - middle))^T + (sums of x over each group) (minima + middle * scales)^T, where the last product
has a thirty-second of the weights. Which groups a matrix has is `weight_only.py`'s.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper

from compression.models.graph import MICROSOFT
from compression.quantization.groups import Groups

INT8_ARITHMETIC = 4
"""`accuracy_level` of MatMulNBits: activations may be rounded to int8."""


@dataclass(frozen=True)
class Stored:
    """The names of what is in a graph for `groups`: codes as initializers, the rest as float32 values."""

    groups: Groups
    codes: str
    scales: str
    zero_points: str
    """Empty where the operators assume the middle code."""
    shifts: str
    """[rows, groups]: what is left out by zero points in the middle; empty where nothing is."""

    @property
    def grid(self) -> list[str]:
        return [self.scales, *([self.zero_points] if self.zero_points else [])]


@dataclass
class Packing:
    """`nodes` in the making, in order, and the tensors `added` for them."""

    added: dict[str, np.ndarray] = field(default_factory=dict)
    nodes: list[onnx.NodeProto] = field(default_factory=list)
    _made: set[str] = field(default_factory=set)

    def taken(self) -> list[onnx.NodeProto]:
        """The nodes since the last time."""
        nodes, self.nodes = self.nodes, []
        return nodes

    def store(self, name: str, groups: Groups, *, multiplied: bool = True) -> Stored:
        """Put groups into the graph; those that are not multiplied with but only looked up have whole bytes a row, not a group."""
        codes = self._constant(f"{name}.codes", groups.packed_blocks() if multiplied else groups.packed_rows())
        scales = self._widened(f"{name}.scales", groups.scales)
        points = self._constant(f"{name}.zero_points", groups.packed_zero_points()) if groups.has_zero_points else ""
        shifts = ""
        if groups.minima is not None:
            minima = self._widened(f"{name}.minima", groups.minima)
            middle = self._constant(f"middle.{groups.bits}", np.array(2 ** (groups.bits - 1), dtype=np.float32))
            shifts = self._node("Add", [minima, self._node("Mul", [scales, middle], f"{name}.middles")], f"{name}.shifts")
        return Stored(groups, codes, scales, points, shifts)

    def multiply(self, x: str, parts: Sequence[Stored], node: onnx.NodeProto) -> None:
        """What takes the place of `node`: `x` [.., columns] times the parts' rows, one part beside the other."""
        outputs = [node.output[0]] if len(parts) == 1 else [f"{part.codes}.product" for part in parts]
        for part, output in zip(parts, outputs, strict=True):
            self._product(x, part, output, node.name if len(parts) == 1 else output)
        if len(parts) > 1:
            self._node("Concat", outputs, node.output[0], name=node.name, axis=-1)

    def look_up(self, parts: Sequence[Stored], node: onnx.NodeProto) -> None:
        """What takes the place of `node`, a lookup of ids; of two parts the first holds the first ids."""
        ids, output = node.input[1], node.output[0]
        if len(parts) == 1:
            self._found(ids, parts[0], output, node.name)
            return
        first, rest = parts
        count = len(first.groups.codes)
        last = self._constant("frequent.last", np.array(count - 1))
        bound, zero = self._constant("frequent.count", np.array(count)), self._constant("frequent.zero", np.array(0))
        self._found(self._node("Min", [ids, last], "frequent.ids"), first, "frequent.words", "frequent.words")
        below = self._node("Sub", [ids, bound], "rest.ids.raw")
        self._found(self._node("Max", [below, zero], "rest.ids"), rest, "rest.words", "rest.words")
        chosen = self._node("Less", [ids, bound], "frequent.chosen")
        chosen = self._node("Unsqueeze", [chosen, self._constant("frequent.axis", np.array([-1]))], "frequent.chosen.column")
        self._node("Where", [chosen, "frequent.words", "rest.words"], output, name=node.name)

    def _product(self, x: str, part: Stored, output: str, name: str) -> None:
        rows, columns = part.groups.codes.shape
        self._node(
            "MatMulNBits",
            [x, part.codes, *part.grid],
            f"{output}.unshifted" if part.shifts else output,
            name=name,
            domain=MICROSOFT,
            K=columns,
            N=rows,
            bits=part.groups.bits,
            block_size=part.groups.group_size,
            accuracy_level=INT8_ARITHMETIC,
        )
        if part.shifts:
            sums = self._node("MatMul", [x, self._members(part.groups)], f"{output}.sums")
            shift = self._node("FusedMatMul", [sums, part.shifts], f"{output}.shift", domain=MICROSOFT, transB=1)
            self._node("Add", [f"{output}.unshifted", shift], output, name=f"{name}.shifted")

    def _found(self, ids: str, part: Stored, output: str, name: str) -> None:
        codes = part.codes
        if self.added[codes].ndim == 3:  # the two operators want the same bytes in another shape
            codes = self._node("Flatten", [codes], f"{part.codes}.rows", axis=1)
        self._node(
            "GatherBlockQuantized",
            [codes, ids, *part.grid],
            f"{output}.unshifted" if part.shifts else output,
            name=name,
            domain=MICROSOFT,
            bits=part.groups.bits,
            block_size=part.groups.group_size,
            gather_axis=0,
            quantize_axis=1,
        )
        if part.shifts:
            shifts = self._node("Gather", [part.shifts, ids], f"{output}.shifts")
            shift = self._node("FusedMatMul", [shifts, self._members(part.groups)], f"{output}.shift", domain=MICROSOFT, transB=1)
            self._node("Add", [f"{output}.unshifted", shift], output, name=f"{name}.shifted")

    def _members(self, groups: Groups) -> str:
        """float32 [columns, groups]: 1 where a column is in a group. Times it, columns become sums of groups, and back again."""
        columns, size = groups.codes.shape[1], groups.group_size
        name = f"members.{columns}.{size}"
        if name not in self._made:
            self._made.add(name)
            member = np.arange(columns)[:, None] // size == np.arange(math.ceil(columns / size))
            self._node("Cast", [self._constant(f"{name}.bytes", member.astype(np.uint8))], name, to=TensorProto.FLOAT)
        return name

    def _widened(self, name: str, values: np.ndarray) -> str:
        return self._node("Cast", [self._constant(name, values.astype(np.float16))], f"{name}.float", to=TensorProto.FLOAT)

    def _constant(self, name: str, value: np.ndarray) -> str:
        self.added[name] = value
        return name

    def _node(self, op: str, inputs: Sequence[str], output: str, name: str = "", **attributes: Any) -> str:
        self.nodes.append(helper.make_node(op, list(inputs), [output], name=name or output, **attributes))
        return output
