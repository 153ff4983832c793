"""The shape of an encoder classifier, and the tensors of its graph.

It mirrors the graph of `graphs/encoder.py`; tests compare the two byte for byte. Reading a shape
from files is in `shape/read_encoder.py`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import ClassVar, Self

from paretoscope.families.encoders import ENCODERS, positions_after_padding
from paretoscope.families.family import ArchitectureName
from paretoscope.recipes.stages import Quantize
from paretoscope.shape.shape import FLOAT, INT64, Matrix, ModelShape

SPLIT_BYTES = 3 * INT64
"""Per layer: sizes of the split into query, key and value, which int8 attention does not need."""


@dataclass(frozen=True, kw_only=True)
class EncoderShape(ModelShape):
    """An encoder with a classification head of `classes` outputs."""

    architecture: ClassVar[ArchitectureName] = "classifier"

    classes: int

    @property
    def projected(self) -> bool:
        """Whether a matrix maps the embedding width to the hidden width, as in small ELECTRAs."""
        row = ENCODERS.get(self.family)
        if row is None or row.embedding_projection is None:
            return False
        name = row.embedding_projection.rpartition(".")[2]
        return any(key.endswith(f"{name}.weight") for key in self.tensors)

    @property
    def encoder_parameters(self) -> int:
        return self.layers * self.hidden * (4 * self.heads * self.head_size + 2 * self.ffn)

    def with_hidden(self, width: int) -> Self:
        return replace(self, hidden=width, embedding=self.embedding if self.projected else width)

    def matrices(self) -> Iterator[Matrix]:
        attention = self.heads * self.head_size
        if self.projected:
            yield Matrix(self.embedding, self.hidden, absorbs=True, name="embedding.project")
        for layer in (f"layer.{index}" for index in range(self.layers)):
            yield Matrix(self.hidden, 3 * attention, name=f"{layer}.qkv")
            yield Matrix(attention, self.hidden, absorbs=True, name=f"{layer}.output")
            yield Matrix(self.hidden, self.ffn, name=f"{layer}.ffn.in")
            yield Matrix(self.ffn, self.hidden, name=f"{layer}.ffn.out")
        yield Matrix(self.hidden, self.hidden, in_head=True, name="head.0")
        yield Matrix(self.hidden, self.classes, in_head=True, name="head.1")

    def layer_float_bytes(self) -> int:
        attention = self.heads * self.head_size
        return FLOAT * (3 * attention + self.hidden + self.ffn + self.hidden + 4 * self.hidden)

    def unquantized_bytes(self) -> int:
        hidden = self.hidden
        embeddings = self.positions * self.embedding + 2 * self.embedding
        embeddings += hidden if self.projected else 0
        head = hidden + self.classes
        first_token, splits = INT64, self.layers * SPLIT_BYTES
        # the id of padding and an axis, or the first row
        numbering = 2 * INT64 if positions_after_padding(self.family) else INT64
        constants = first_token + splits + numbering
        return FLOAT * (embeddings + head) + self.layers * self.layer_float_bytes() + constants

    def embedding_is_separate(self, stage: Quantize | None) -> bool:
        return True

    def int8_constants_bytes(self, stage: Quantize) -> int:
        """Attention has no splits in int8. Smoothing adds a factor per channel twice a layer.

        The first factor, before query, key and value, is absent in a projected model: the norm of
        the embeddings absorbs it.
        """
        smoothed = 2 * self.layers - self.projected if stage.smooth else 0
        return smoothed * self.hidden * FLOAT - self.layers * SPLIT_BYTES

    def graph_bytes(self, stage: Quantize | None, matrices: int) -> int:
        per_matrix = {"int8-dynamic": 95, "int8-static": 360, "weight-only": 230}
        return 1_300 + 1_700 * self.layers + (per_matrix[stage.scheme] if stage else 0) * matrices
