"""`models.architecture.Architecture` for encoder classifiers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from torch import Tensor, nn
from transformers import PreTrainedModel

from paretoscope.errors import ModelError
from paretoscope.families.family import ArchitectureName
from paretoscope.models.encoder.anatomy import LayerAnatomy, anatomy, is_known
from paretoscope.models.encoder.checkpoint import resize_encoder
from paretoscope.models.modules.access import modules_of


@dataclass(frozen=True)
class EncoderArchitecture:
    """An encoder classifier, of a family with or without a row in `families/encoders.py`."""

    name: ClassVar[ArchitectureName] = "classifier"
    layer_by_layer: ClassVar[bool] = False
    model: PreTrainedModel

    def layers(self) -> tuple[LayerAnatomy, ...]:
        return anatomy(self.model).layers

    def layer_list(self) -> str:
        return anatomy(self.model).layer_list

    def matrices(self) -> tuple[str, ...]:
        """Of an unknown family: the weights of all Linear modules of the base model except its
        pooler, which belongs to the head.
        """
        if is_known(self.model):
            return anatomy(self.model).matrices
        prefix = self.model.base_model_prefix
        found = tuple(
            f"{name}.weight"
            for name, module in modules_of(self.model).items()
            if isinstance(module, nn.Linear)
            and name.startswith(f"{prefix}.")
            and "pooler" not in name
        )
        if not found:
            raise ModelError(
                f'The {self.model.config.model_type} model has no linear modules in "{prefix}"; its'
                " weights cannot be pruned."
            )
        return found

    def body(self) -> nn.Module:
        return self.model

    def annotate_heads(self) -> None:
        """Nothing to do: attention views its inputs as [batch, tokens, -1, head size]."""

    def resize(self, tensors: Mapping[str, Tensor], source: Path) -> None:
        """The hidden size may be smaller too; a model of an unknown family keeps its shapes."""
        if is_known(self.model):
            resize_encoder(self.model, tensors, source)

    def implied_tensors(self, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
        return {}

    def omitted_tensors(self) -> tuple[str, ...]:
        return ()

    def read_settings(self, folder: Path) -> None:
        """A classifier has no further files."""

    def write_settings(self, folder: Path) -> None:
        """A classifier has no further files."""
