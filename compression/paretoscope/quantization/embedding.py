"""The word embedding in 8, 4 or 2 bits: rows of codes that the runtime widens when it looks a word
up.

A tied embedding is also the head's matrix, and the rows of codes are what both operators read: the
head is rounded as the head, by the rounding that was asked for, and words are looked up in its
codes. So a tied model keeps one table, at the finer of the two widths.

A word is looked up, not multiplied, so no Hessian tells its parts apart, and every rounding leaves
it to round to nearest: grids of less squared error, and HQQ's, were measured on the built-in models
and moved the answers now less, now more, at 4 bits as at 2.
"""

from __future__ import annotations

import onnx

from paretoscope.errors import ArtifactError
from paretoscope.graphs.graph import embedding, replace
from paretoscope.quantization.packing.groups import GROUP_SIZE
from paretoscope.quantization.packing.operators import Packing
from paretoscope.quantization.rounding.rtn import quantize_groups

FREQUENT_BITS = 8
"""Of the first words of a table, where they are told apart."""


def quantize_embedding(
    model: onnx.ModelProto, bits: int, frequent_words: int = 0
) -> onnx.ModelProto:
    """`model` with its word embedding in `bits`, the first `frequent_words` rows in 8; 32 bits, or
    a graph without one in floats, is left as it is."""
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
    return replace(model, {node.name: packing.taken()}, packing.added)


def table_parts(words: int, bits: int, frequent_words: int) -> list[tuple[str, int, int, int]]:
    """(ending of its name, first word, end, bits) of the parts of a table: one, or the frequent
    words and the rest.

    >>> table_parts(100, 4, 20)
    [('.frequent', 0, 20, 8), ('', 20, 100, 4)]
    """
    if not frequent_words:
        return [("", 0, words, bits)]
    if bits >= FREQUENT_BITS:
        raise ArtifactError(
            f"frequent_words is {frequent_words:,}, but the whole table has {bits} bits: a head"
            " that is the embedding takes the finer of head_bits and embedding_bits; set both"
            " below 8, or leave frequent_words out."
        )
    if frequent_words >= words:
        raise ArtifactError(
            f"frequent_words is {frequent_words:,}, but the vocabulary has {words:,} entries; set"
            " it below, or embedding_bits to 8."
        )
    return [(".frequent", 0, frequent_words, FREQUENT_BITS), ("", frequent_words, words, bits)]
