"""`models.architecture.Architecture` for decoder language models."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from torch import Tensor, nn
from transformers import PreTrainedModel

from paretoscope.families.family import ArchitectureName
from paretoscope.models.decoder.anatomy import DecoderLayer, decoder_anatomy
from paretoscope.models.decoder.checkpoint import (
    read_generation_config,
    resize_decoder,
    tied_head,
    write_generation_config,
)
from paretoscope.models.decoder.heads import annotate_heads
from paretoscope.models.modules.access import is_tied


@dataclass(frozen=True)
class DecoderArchitecture:
    """A language model of a family in `families/decoders.py`."""

    name: ClassVar[ArchitectureName] = "decoder"
    layer_by_layer: ClassVar[bool] = True
    model: PreTrainedModel

    def layers(self) -> tuple[DecoderLayer, ...]:
        return decoder_anatomy(self.model).layers

    def layer_list(self) -> str:
        return decoder_anatomy(self.model).layer_list

    def matrices(self) -> tuple[str, ...]:
        return decoder_anatomy(self.model).matrices

    def body(self) -> nn.Module:
        """Without the output head, whose logits may need hundreds of megabytes."""
        return self.model.base_model

    def annotate_heads(self) -> None:
        annotate_heads(self.model)

    def resize(self, tensors: Mapping[str, Tensor], source: Path) -> None:
        resize_decoder(self.model, tensors, source)

    def implied_tensors(self, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
        return tied_head(self.model, tensors)

    def omitted_tensors(self) -> tuple[str, ...]:
        """The weight of a tied output head."""
        return (f"{decoder_anatomy(self.model).head}.weight",) if is_tied(self.model) else ()

    def read_settings(self, folder: Path) -> None:
        """The generation config."""
        self.model.generation_config = read_generation_config(folder, self.model.config)

    def write_settings(self, folder: Path) -> None:
        write_generation_config(self.model, folder)
