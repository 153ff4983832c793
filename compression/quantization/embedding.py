"""The word embedding in 8, 4 or 2 bits: rows of codes that the runtime widens when it looks a word up.

A tied embedding is also the head's matrix, and the rows of codes are what both operators read: the head is rounded as the head, by the
rounding that was asked for, and words are looked up in its codes. So a tied model keeps one table, at the finer of the two widths.

A word is looked up, not multiplied, so no Hessian tells its parts apart, and every rounding leaves it to round to nearest: grids of
less squared error, and HQQ's, were measured on the built-in models and moved the answers now less, now more, at 4 bits as at 2.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import onnx
from onnx import helper

from compression.models.graph import MICROSOFT, embedding, replace
from compression.quantization.rtn import quantize_groups

GROUP_SIZE = {8: 128, 4: 32, 2: 16}
"""Weights of a row that share a scale: fewer bits need finer groups."""


def quantize_embedding(model: onnx.ModelProto, bits: int) -> onnx.ModelProto:
    """`model` with its word embedding in `bits`; 32 bits, or a graph without one in floats, is left as it is."""
    found = embedding(model)
    if bits == 32 or found is None:
        return model
    node, table = found
    groups = quantize_groups(table, bits, GROUP_SIZE[bits])
    name = node.input[0]
    added: dict[str, np.ndarray] = {f"{name}.codes": groups.packed_rows(), f"{name}.scales": groups.scales}
    if not groups.symmetric:
        added[f"{name}.zero_points"] = groups.packed_zero_points()
    return replace(model, {node.name: [_lookup(node, f"{name}.codes", list(added)[1:], bits, GROUP_SIZE[bits])]}, added)


def look_up_in_head(node: onnx.NodeProto, head: onnx.NodeProto) -> list[onnx.NodeProto]:
    """What takes the place of `node`, a lookup in the word embedding, when `head` is the MatMulNBits of the same table.

    The two operators want the same bytes in another shape, [words, groups, bytes] and [words, bytes].
    """
    attributes = {attribute.name: attribute.i for attribute in head.attribute}
    rows = f"{node.input[0]}.rows"
    flat = helper.make_node("Flatten", [head.input[1]], [rows], name=rows, axis=1)
    return [flat, _lookup(node, rows, head.input[2:], attributes["bits"], attributes["block_size"])]


def tied_group_size(width: int, group_size: int) -> int:
    """Weights that share a scale in a table [words, width] that is looked up too: a row is whole groups, which a multiplication may fill up.

    >>> tied_group_size(576, 32), tied_group_size(576, 128)
    (32, 64)
    """
    while width % group_size:
        group_size //= 2
    return group_size


def _lookup(node: onnx.NodeProto, codes: str, grid: Sequence[str], bits: int, group_size: int) -> onnx.NodeProto:
    """`node` on `codes` [words, bytes], with scales and zero points named in `grid`."""
    return helper.make_node(
        "GatherBlockQuantized",
        [codes, node.input[1], *grid],
        list(node.output),
        name=node.name,
        domain=MICROSOFT,
        bits=bits,
        block_size=group_size,
        gather_axis=0,
        quantize_axis=1,
    )
