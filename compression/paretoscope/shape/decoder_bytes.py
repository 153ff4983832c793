"""What a language model's graph consists of, tensor by tensor: the matrices that may be rounded,
and the floats and constants that stay.

It mirrors `models/assemble_decoder.py`, and a test holds the two together, byte for byte. What bits
make of a matrix is `shape/bytes.py`'s.
"""

from __future__ import annotations

from collections.abc import Iterator

from paretoscope.shape.decoder import DecoderShape

FLOAT, INT64 = 4, 8
"""Bytes of a float32 and of an int64."""


def matrix_sizes(shape: DecoderShape) -> Iterator[tuple[int, int, bool]]:
    """(inputs, outputs, whether a scale on its inputs costs nothing) of every matrix in the layers,
    as the graph has them: query, key and value are one, and so are gate and up.

    A scale goes into the norm before where one matrix alone reads it, through a gate, or into
    values that one query head reads.
    """
    attention = shape.heads * shape.head_size
    alone = shape.norms == 2
    for _ in range(shape.layers):
        yield shape.hidden, shape.qkv, alone
        yield attention, shape.hidden, shape.heads == shape.key_heads
        yield shape.hidden, shape.ffn * (2 if shape.gated else 1), alone
        yield shape.ffn, shape.hidden, shape.gated


def unquantized_bytes(shape: DecoderShape) -> int:
    """What stays as it is whatever the bits: positions, norms, biases and the graph's own
    constants.
    """
    hidden, norm = shape.hidden, shape.hidden * (2 if shape.layer_norm else 1)
    widths = {
        "qkv": shape.qkv,
        "output": hidden,
        "ffn.in": shape.ffn * (2 if shape.gated else 1),
        "ffn.out": hidden,
    }
    layer = shape.norms * norm + sum(
        width for name, width in widths.items() if name in shape.biases
    )
    layer += 2 * shape.head_size if shape.head_norms else 0
    floats = shape.positions * hidden + shape.rotations + shape.layers * layer + norm
    floats += (shape.vocabulary if "head" in shape.biases else 0) + (1 if shape.scaled else 0)
    integers = 5  # axis of the mask, one, zero, and the two axes of the last token
    integers += 3 if shape.positions else 0  # what counts learned positions
    integers += 4 + 3 if shape.head_norms else 0  # heads apart and together again
    cuts = (2 if shape.gated else 0) + (3 if shape.head_norms else 0)
    return FLOAT * floats + INT64 * (integers + shape.layers * cuts)


def cache_scale_bytes(shape: DecoderShape) -> int:
    """A scale for every channel of keys and values, where the cache is in int8."""
    return FLOAT * shape.layers * 2 * shape.key_heads * shape.head_size
