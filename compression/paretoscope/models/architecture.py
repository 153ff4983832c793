"""What differs between an encoder classifier and a decoder language model in torch.

`architecture_of` chooses the implementation once, so pruning, quantization and graphs need no
branches of their own. What differs between families of one architecture is in `families/`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar, Protocol

from torch import Tensor, nn
from transformers import PreTrainedModel

from paretoscope.families.family import ArchitectureName
from paretoscope.models.decoder.architecture import DecoderArchitecture
from paretoscope.models.encoder.architecture import EncoderArchitecture
from paretoscope.models.modules.access import is_decoder
from paretoscope.models.modules.slicing import Rows


class Layer(Protocol):
    """A transformer layer: `LayerAnatomy` or `DecoderLayer`."""

    @property
    def path(self) -> str:
        """Name of its module."""
        ...

    @property
    def output(self) -> str:
        """Name of the attention output projection."""
        ...

    @property
    def ffn_out(self) -> str:
        """Name of the last feed-forward matrix."""
        ...

    @property
    def attention_norm(self) -> str:
        """Name of the norm of the attention block."""
        ...

    @property
    def ffn_norm(self) -> str | None:
        """Name of the norm of the feed-forward block, None if attention's serves both."""
        ...

    @property
    def head_size(self) -> int: ...

    @property
    def linears(self) -> tuple[str, ...]:
        """Names of all its linear modules."""
        ...

    @property
    def entrance(self) -> str:
        """Name of a module whose input is the hidden state before the layer."""
        ...

    def head_rows(self, model: nn.Module) -> tuple[Rows, ...]:
        """Outputs of the linear modules that form a head; with grouped queries, a key head and its
        query heads. `Rows.each` of the first is the width of a head in the input of `output`.
        """
        ...

    def ffn_rows(self, model: nn.Module) -> tuple[Rows, ...]:
        """Outputs of the linear modules that form a feed-forward neuron."""
        ...

    def residual_readers(self, model: nn.Module) -> tuple[Tensor, Tensor]:
        """Values [heads * size, hidden], as each query head reads them, and feed-forward up
        projection [ffn, hidden], both with the scales of a preceding norm folded in.
        """
        ...


class Architecture(Protocol):
    """One model, seen as an encoder classifier or as a decoder language model."""

    name: ClassVar[ArchitectureName]
    layer_by_layer: ClassVar[bool]
    """Whether statistics are collected one layer at a time, because those of all layers may need
    more memory than the model.
    """

    def layers(self) -> Sequence[Layer]:
        """The layers that the model has now; raises `ModelError` for an unknown family."""
        ...

    def layer_list(self) -> str:
        """Name of the ModuleList of layers; raises `ModelError` for an unknown family."""
        ...

    def matrices(self) -> tuple[str, ...]:
        """Parameter names of the weights that pruning may set to zero, in execution order; raises
        `ModelError` if there are none.
        """
        ...

    def body(self) -> nn.Module:
        """The module to run to observe the layers."""
        ...

    def annotate_heads(self) -> None:
        """Update head counts that attention modules store, after heads were cut."""
        ...

    def resize(self, tensors: Mapping[str, Tensor], source: Path) -> None:
        """Give the layers' linear modules the shapes of stored tensors, in place; raises
        `ModelError` if the shapes are inconsistent.
        """
        ...

    def implied_tensors(self, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Tensors that a checkpoint does not store because they equal another one."""
        ...

    def omitted_tensors(self) -> tuple[str, ...]:
        """Names of the tensors that a checkpoint does not store."""
        ...

    def read_settings(self, folder: Path) -> None:
        """Read files of a checkpoint beyond config, weights and tokenizer, in place."""
        ...

    def write_settings(self, folder: Path) -> None:
        """Write the files that `read_settings` reads."""
        ...


def architecture_of(model: PreTrainedModel) -> Architecture:
    """The implementation for a model."""
    return DecoderArchitecture(model) if is_decoder(model.config) else EncoderArchitecture(model)
