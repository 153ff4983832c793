"""Widths of single matrices: names of parts of a model, such as `layer.0.ffn`, with their bits.

Names are those of the matrices in the ONNX graph, or a prefix that stands for several of them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Annotated, Any, cast

from pydantic import BeforeValidator, PlainSerializer, WithJsonSchema

NAME = re.compile(r"layer\.(0|[1-9]\d*)(\.(qkv|output|ffn|ffn\.in|ffn\.out))?")
WIDTHS = (2, 4, 8, 32)
EXAMPLE = '{"layer.0.ffn": 4}'
PARTS_OF_LAYER = ("qkv", "output", "ffn.in", "ffn.out")
"""The matrices of a layer, in the order of the graph; query, key and value are one."""


def _pairs(given: Any) -> tuple[tuple[str, int], ...]:
    """The mapping as sorted pairs, which can be hashed."""
    if not isinstance(given, Mapping):
        raise ValueError(f"parts must be a mapping to bits, such as {EXAMPLE}")
    found: dict[str, int] = {}
    for name, bits in cast("Mapping[Any, Any]", given).items():
        if not isinstance(name, str) or not NAME.fullmatch(name):
            raise ValueError(
                f'parts cannot name "{name}"; give layer.N, layer.N.qkv, layer.N.output,'
                " layer.N.ffn, layer.N.ffn.in or layer.N.ffn.out, counted from 0"
            )
        if isinstance(bits, bool) or bits not in WIDTHS:
            raise ValueError(f'parts must give "{name}" 2, 4, 8 or 32 bits')
        found[name] = int(bits)
    return tuple(sorted(found.items()))


def _mapping(pairs: tuple[tuple[str, int], ...]) -> dict[str, int]:
    return dict(pairs)


Parts = Annotated[
    tuple[tuple[str, int], ...],
    BeforeValidator(_pairs),
    PlainSerializer(_mapping, return_type=dict[str, int]),
    WithJsonSchema({"type": "object", "additionalProperties": {"enum": list(WIDTHS)}}),
]
"""Bits by part, written as a mapping; sorted pairs in memory, so that a stage can be hashed."""


def bits_of(name: str, parts: Iterable[tuple[str, int]]) -> int | None:
    """The bits of a matrix by the longest part that is its name or a prefix of it.

    >>> widths = (("layer.0", 8), ("layer.0.ffn", 4))
    >>> bits_of("layer.0.ffn.in", widths), bits_of("layer.0.qkv", widths)
    (4, 8)
    >>> bits_of("layer.01.qkv", widths) is None
    True
    """
    found = [each for each in parts if f"{name}.".startswith(f"{each[0]}.")]
    return max(found, key=lambda each: len(each[0]))[1] if found else None


def unmatched(parts: Iterable[tuple[str, int]], names: Iterable[str]) -> list[str]:
    """The parts that are none of the named matrices nor a prefix of one.

    >>> unmatched((("layer.0.ffn", 4), ("layer.9", 4)), ["layer.0.ffn.in"])
    ['layer.9']
    """
    known = [f"{name}." for name in names]
    return [part for part, _ in parts if not any(name.startswith(f"{part}.") for name in known)]
