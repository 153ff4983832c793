"""The word embedding in 8, 4 or 2 bits: rows of codes that the runtime dequantizes on lookup.

A tied embedding is also the matrix of the output head, and both operators read the same codes: they
are rounded by the rounding of the recipe, at the finer of the two widths.

An embedding is looked up, not multiplied, so it has no Hessian, and every rounding rounds it to
nearest: grids of least squared error, and those of HQQ, were tried on the built-in models and
changed the outputs sometimes less and sometimes more, at 4 bits as at 2.
"""

from __future__ import annotations

import onnx

from paretoscope.errors import ArtifactError
from paretoscope.graphs.graph import embedding, replace
from paretoscope.quantization.packing.groups import GROUP_SIZE
from paretoscope.quantization.packing.operators import Packing
from paretoscope.quantization.rounding.rtn import quantize_groups

FREQUENT_BITS = 8
"""Bits of the first tokens of a table, with `frequent_words`."""


def quantize_embedding(
    model: onnx.ModelProto, bits: int, frequent_words: int = 0
) -> onnx.ModelProto:
    """`model` with its word embedding in `bits`, the first `frequent_words` rows in 8.

    With 32 bits, or without an embedding in floats, the model is returned unchanged.
    """
    found = embedding(model)
    if bits == 32 or found is None:
        return model
    node, table = found
    packing = Packing()
    parts = [
        packing.store(
            f"{node.input[0]}{ending}",
            quantize_groups(table[start:stop], width, GROUP_SIZE[width]),
            multiplied=False,
        )
        for ending, start, stop, width in table_parts(len(table), bits, frequent_words)
    ]
    packing.look_up(parts, node)
    return replace(model, {node.name: packing.consumed()}, packing.added)


def table_parts(rows: int, bits: int, frequent_words: int) -> list[tuple[str, int, int, int]]:
    """(suffix of the name, first row, end, bits) of the parts of a table.

    It has one part, or two: the frequent tokens and the rest.

    >>> table_parts(100, 4, 20)
    [('.frequent', 0, 20, 8), ('', 20, 100, 4)]
    """
    if not frequent_words:
        return [("", 0, rows, bits)]
    if bits >= FREQUENT_BITS:
        raise ArtifactError(
            f"frequent_words is {frequent_words:,}, but the whole table has {bits} bits: a tied"
            " head and embedding have the larger of head_bits and embedding_bits; set both below 8,"
            " or leave frequent_words out."
        )
    if frequent_words >= rows:
        raise ArtifactError(
            f"frequent_words is {frequent_words:,}, but the vocabulary has {rows:,} entries; set"
            " it below, or embedding_bits to 8."
        )
    return [(".frequent", 0, frequent_words, FREQUENT_BITS), ("", frequent_words, rows, bits)]
