"""The shape of a language model, and the tensors of its graph.

It mirrors the graph of `graphs/decoder.py`; tests compare the two byte for byte. Reading a shape
from files is in `shape/read_decoder.py`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import ClassVar, Self

from paretoscope.families.decoders import DECODERS
from paretoscope.families.family import ArchitectureName, DecoderFamily
from paretoscope.recipes.stages import Quantize
from paretoscope.shape.shape import FLOAT, INT64, RANGE_BYTES, Matrix, ModelShape


@dataclass(frozen=True, kw_only=True)
class DecoderShape(ModelShape):
    """A language model with `heads` query heads and `key_heads` key heads in every layer.

    Query heads of one key head are pruned together. `positions` counts learned positions.
    """

    architecture: ClassVar[ArchitectureName] = "decoder"

    key_heads: int
    tied: bool
    """Whether the head is the word embedding."""
    rotations: int
    """Numbers in the tables of cosines and sines."""
    biases: frozenset[str]
    """Which of "qkv", "output", "ffn.in", "ffn.out" and "head" have a bias."""

    @property
    def row(self) -> DecoderFamily:
        """The row of its family."""
        return DECODERS[self.family]

    @property
    def gated(self) -> bool:
        return self.row.gated

    @property
    def head_norms(self) -> bool:
        """Whether query and key heads are normalized before the rotation."""
        return self.row.head_norms is not None

    @property
    def qkv(self) -> int:
        """Outputs of query, key and value together."""
        return (self.heads + 2 * self.key_heads) * self.head_size

    @property
    def ffn_inputs(self) -> int:
        """Outputs of the first feed-forward matrix, gate included."""
        return self.ffn * (2 if self.gated else 1)

    @property
    def encoder_parameters(self) -> int:
        attention = self.qkv + self.heads * self.head_size
        return self.layers * self.hidden * (attention + self.ffn_inputs + self.ffn)

    @property
    def head_groups(self) -> int:
        return self.key_heads

    def with_head_groups(self, count: int) -> Self:
        return replace(self, key_heads=count, heads=count * self.heads // self.key_heads)

    def matrices(self) -> Iterator[Matrix]:
        """Gate and up are one matrix, as are query, key and value.

        A scale is absorbed by the preceding norm if only one matrix reads it, by a gate, or by
        values that only one query head reads.
        """
        attention = self.heads * self.head_size
        own_norm = self.row.norms == 2
        for layer in (f"layer.{index}" for index in range(self.layers)):
            yield Matrix(self.hidden, self.qkv, absorbs=own_norm, name=f"{layer}.qkv")
            narrow = self.heads == self.key_heads
            yield Matrix(attention, self.hidden, absorbs=narrow, name=f"{layer}.output")
            yield Matrix(self.hidden, self.ffn_inputs, absorbs=own_norm, name=f"{layer}.ffn.in")
            yield Matrix(self.ffn, self.hidden, absorbs=self.gated, name=f"{layer}.ffn.out")
        yield Matrix(self.hidden, self.vocabulary, in_head=True, tied=self.tied, name="head.0")

    @property
    def _norm(self) -> int:
        """Numbers of a norm."""
        return self.hidden * (2 if self.row.layer_norm else 1)

    def layer_float_bytes(self) -> int:
        widths = {
            "qkv": self.qkv,
            "output": self.hidden,
            "ffn.in": self.ffn_inputs,
            "ffn.out": self.hidden,
        }
        floats = self.row.norms * self._norm
        floats += sum(width for name, width in widths.items() if name in self.biases)
        return FLOAT * (floats + (2 * self.head_size if self.head_norms else 0))

    def unquantized_bytes(self) -> int:
        floats = self.positions * self.hidden + self.rotations + self._norm
        floats += self.vocabulary if "head" in self.biases else 0
        floats += 1 if self.row.scaled_embeddings else 0
        integers = 5  # axis of the mask, one, zero, and the two axes of the last token
        integers += 3 if self.positions else 0  # range of learned positions
        integers += 4 + 3 if self.head_norms else 0  # shapes with and without a head axis
        splits = (2 if self.gated else 0) + (3 if self.head_norms else 0)
        counts = INT64 * (integers + self.layers * splits)
        return FLOAT * floats + counts + self.layers * self.layer_float_bytes()

    def embedding_is_separate(self, stage: Quantize | None) -> bool:
        """A tied embedding becomes separate if an int8 scheme quantizes it, but not the head."""
        return not self.tied or (
            stage is not None
            and stage.scheme != "weight-only"
            and stage.head_bits == 32
            and stage.embedding_bits != 32
        )

    def int8_constants_bytes(self, stage: Quantize) -> int:
        """Norms absorb all smoothing factors; a shared input needs only one range."""
        shared = self.row.norms == 1 and stage.scheme == "int8-static"
        return -self.layers * RANGE_BYTES if shared else 0

    def cache_scale_bytes(self) -> int:
        """One scale per channel of keys and values."""
        return FLOAT * self.layers * 2 * self.key_heads * self.head_size

    def graph_bytes(self, stage: Quantize | None, matrices: int) -> int:
        """Of two graphs, one of them for scoring, with aligned tensors in a separate file."""
        per_matrix = {"int8-dynamic": 650, "int8-static": 1_000, "weight-only": 970}
        per_layer = 7_500 if self.row.layer_norm else 5_000
        quantized = (per_matrix[stage.scheme] if stage else 0) * matrices
        return 5_000 + per_layer * self.layers + quantized
