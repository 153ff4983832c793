"""The shape of a classifier in numbers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

from paretoscope.families.encoders import ENCODERS


@dataclass(frozen=True)
class ModelShape:
    """An encoder classifier in numbers. `positions` counts the rows that the exported graph keeps;
    `tokenizer_bytes` is the size of `tokenizer.json` in an artefact, None when the model brings
    only the files of a slow tokenizer."""

    name: str
    family: str
    layers: int
    hidden: int
    heads: int
    head_size: int
    ffn: int
    vocabulary: int
    embedding: int
    positions: int
    classes: int
    tokenizer_bytes: int | None
    shapes: Mapping[str, tuple[int, ...]]
    """Of every stored tensor, by its name."""
    uneven: frozenset[str] = frozenset()
    """"heads" or "ffn" where layers differ in it: then the number is their mean, and what each
    layer has depends on its weights.
    """
    sums_known: bool = True
    """Whether mean times layers is what all layers have together; not so once uneven layers were
    cut again.
    """

    @property
    def projected(self) -> bool:
        """Whether a matrix leads from the width of the embeddings to the hidden width (ELECTRA); if
        not, they are one.
        """
        row = ENCODERS.get(self.family)
        if row is None or row.embedding_projection is None:
            return False
        name = row.embedding_projection.rpartition(".")[2]
        return any(key.endswith(f"{name}.weight") for key in self.shapes)

    tokenizer_bounds: tuple[int, int] | None = None
    """Least and most bytes of the tokenizer when which of its entries stay is yet to be found, else
    None.
    """
    folder: Path | None = None
    """Where the model is, for what only its tokenizer can tell."""

    @property
    def head_groups(self) -> int:
        """Heads of a layer, or what of them is cut together."""
        return self.heads

    def with_head_groups(self, count: int) -> Self:
        """The same with so many of them in every layer."""
        return replace(self, heads=count)

    @property
    def encoder_parameters(self) -> int:
        """Weights in the matrices of the encoder, as they are multiplied for every token."""
        return self.layers * self.hidden * (4 * self.heads * self.head_size + 2 * self.ffn)

    @property
    def parameters(self) -> int:
        """Numbers in all stored tensors."""
        total = 0
        for shape in self.shapes.values():
            count = 1
            for side in shape:
                count *= side
            total += count
        return total
