"""The parts of a model that are compared: their names, and the part of a node of the graph."""

from __future__ import annotations

import re
from typing import NamedTuple

from paretoscope.shape.part_bytes import EMBEDDING, HEAD, NORMS, OTHER

ATTENTION = "attention"
KINDS = {
    "qkv": "Query, key, value",
    ATTENTION: "Attention",
    "output": "Attention output",
    "ffn.in": "FFN up",
    "ffn.out": "FFN down",
    NORMS: "Norms, biases",
}
"""Label by kind of part, in the order of the graph; attention itself has no weights."""
LABELS = {EMBEDDING: "Embedding", HEAD: "Head", OTHER: "Other"}
LAYER = re.compile(r"layer\.(\d+)\.(.+)")
NOT_A_PART = re.compile(r"norm|\.sum$|\.both$")
"""Nodes of a layer that add or normalize, whichever matrix their name belongs to."""
IN_HEAD = re.compile(r"head\.|logits|first\.token|last\b|final\b")
IN_EMBEDDING = re.compile(r"embedding|positions|sequence|rows|counted|is\.padding")


class Part(NamedTuple):
    """A part of a model: `layer` is None outside the layers."""

    name: str
    layer: int | None
    kind: str

    @property
    def label(self) -> str:
        """ "Layer 0 · FFN up", "Embedding"."""
        words = KINDS.get(self.kind) or LABELS.get(self.kind, self.kind)
        return words if self.layer is None else f"Layer {self.layer} · {words}"

    @property
    def is_matrix(self) -> bool:
        """Whether it has a width of its own that a recipe can choose."""
        return self.kind in (EMBEDDING, HEAD, "qkv", "output", "ffn.in", "ffn.out")


def part(name: str) -> Part:
    """
    >>> part("layer.3.ffn.in")
    Part(name='layer.3.ffn.in', layer=3, kind='ffn.in')
    """
    found = LAYER.fullmatch(name)
    return Part(name, int(found[1]), found[2]) if found else Part(name, None, name)


def parts(layers: int) -> list[Part]:
    """Every part of a model, in the order of the graph."""
    inner = [
        Part(f"layer.{index}.{kind}", index, kind) for index in range(layers) for kind in KINDS
    ]
    outer = [Part(name, None, name) for name in (EMBEDDING, HEAD, OTHER)]
    return [outer[0], *inner, *outer[1:]]


def part_of_node(name: str) -> str:
    """The part of a node of a graph by its name; "other" for one without a known name.

    >>> part_of_node("layer.0.qkv.product.split"), part_of_node("layer.1.ffn.out.normed")
    ('layer.0.qkv', 'layer.1.norms')
    >>> part_of_node("fused head.0.product/MatMulAddFusion"), part_of_node("node_12")
    ('head', 'other')
    """
    found = re.search(r"(layer\.\d+)\.(.+)", name)
    if found:
        return f"{found[1]}.{_kind(found[2])}"
    if IN_HEAD.search(name):
        return HEAD
    return EMBEDDING if IN_EMBEDDING.match(name) else OTHER


def _kind(rest: str) -> str:
    """The kind of part of a node within a layer."""
    if NOT_A_PART.search(rest):
        return NORMS
    for kind in ("qkv", "output", "ffn.in", "ffn.out"):
        if rest.startswith(kind):
            return kind
    if rest.startswith(("activated", "gated", "gate", "up")):
        return "ffn.in"
    return ATTENTION
