"""Removal of whole layers."""

from __future__ import annotations

from collections.abc import Sequence

from torch import nn
from transformers import PreTrainedModel

from paretoscope.models.architecture import architecture_of
from paretoscope.models.modules.access import layer_list


def keep_layers(model: PreTrainedModel, layers: Sequence[int]) -> None:
    """Keep the layers with these ascending indices, in place; the others are removed."""
    path = architecture_of(model).layer_list()
    old = layer_list(model, path)
    new = nn.ModuleList(old[number] for number in layers)
    for number, layer in enumerate(new):
        for module in layer.modules():
            attributes = vars(module)
            if "layer_idx" in attributes:  # attention of some families stores its layer's index
                attributes["layer_idx"] = number
    model.set_submodule(path, new)
    kinds = getattr(model.config, "layer_types", None)
    if kinds:  # of families with sliding-window attention in some layers
        model.config.layer_types = [kinds[number] for number in layers]
    model.config.num_hidden_layers = len(new)
