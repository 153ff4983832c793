"""The shape of a model in numbers, and what its graph consists of.

What is common to all models is here; `shape/encoder.py` and `shape/decoder.py` add the rest. Bytes
of quantized matrices are in `shape/quantized_bytes.py`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from math import prod
from pathlib import Path
from typing import ClassVar, Self

from paretoscope.families.family import ArchitectureName
from paretoscope.recipes.stages import Quantize

FLOAT, HALF, INT64 = 4, 2, 8
"""Bytes of a float32, a float16 and an int64."""
RANGE_BYTES = FLOAT + 1
"""Scale and zero point of an activation in int8."""


@dataclass(frozen=True)
class Matrix:
    """A constant matrix [inputs, outputs] of the graph."""

    inputs: int
    outputs: int
    in_head: bool = False
    absorbs: bool = False
    """Whether a scale on its inputs is folded into the preceding operator and adds no bytes."""
    tied: bool = False
    """Whether it is also the word embedding."""
    name: str = ""
    """Its name in the graph, such as `layer.0.ffn.in`."""

    @property
    def size(self) -> int:
        return self.inputs * self.outputs


@dataclass(frozen=True, kw_only=True)
class ModelShape(ABC):
    """The dimensions of a model, and counts of what its graph consists of."""

    architecture: ClassVar[ArchitectureName]

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
    """Rows of the position embedding in the exported graph."""
    tensors: Mapping[str, tuple[int, ...]] = field(hash=False)
    """Shape of every stored tensor by name."""
    tokenizer_bytes: int | None
    """Size of `tokenizer.json` in an artefact; None if the model has only a slow tokenizer."""
    tokenizer_bounds: tuple[int, int] | None = None
    """Lowest and highest size while it is unknown which tokens are kept."""
    folder: Path | None = None
    """The folder of the model, for its tokenizer."""
    uneven: frozenset[str] = frozenset()
    """"heads" or "ffn" if layers differ in it: the number is then the mean over layers."""
    sums_known: bool = True
    """Whether mean times layers is the sum over layers; False once uneven layers are cut again."""

    @property
    @abstractmethod
    def encoder_parameters(self) -> int:
        """Weights in the matrices of the layers, which are multiplied for every token."""

    @property
    def parameters(self) -> int:
        """Numbers in all stored tensors."""
        return sum(map(prod, self.tensors.values()))

    @property
    def head_groups(self) -> int:
        """Groups of heads per layer that are pruned together."""
        return self.heads

    def with_head_groups(self, count: int) -> Self:
        """The shape with `count` head groups in every layer."""
        return replace(self, heads=count)

    def with_hidden(self, width: int) -> Self:
        """The shape with another hidden width."""
        return replace(self, hidden=width, embedding=width)

    @abstractmethod
    def matrices(self) -> Iterator[Matrix]:
        """Every matrix of the graph; query, key and value are one."""

    @abstractmethod
    def layer_float_bytes(self) -> int:
        """Bytes of the norms and biases of one layer."""

    @abstractmethod
    def unquantized_bytes(self) -> int:
        """Bytes that no scheme quantizes: positions, norms, biases and constants of the graph."""

    @abstractmethod
    def embedding_is_separate(self, stage: Quantize | None) -> bool:
        """Whether the word embedding is a table of its own, not the matrix of a tied head."""

    @abstractmethod
    def int8_constants_bytes(self, stage: Quantize) -> int:
        """Bytes that an int8 scheme adds to the constants of the graph, or removes from them."""

    def cache_scale_bytes(self) -> int:
        """Bytes of the scales of an int8 key-value cache."""
        return 0

    @abstractmethod
    def graph_bytes(self, stage: Quantize | None, matrices: int) -> int:
        """Approximate bytes of nodes and names around the tensors."""
