"""Whole layers: a model that has only some of them."""

from __future__ import annotations

from collections.abc import Sequence

from torch import nn
from transformers import PreTrainedModel

from paretoscope.models.architecture import architecture_of


def keep_layers(model: PreTrainedModel, layers: Sequence[int]) -> None:
    """Keep the layers with these numbers (from 0, rising), in place; they are numbered anew from 0."""
    path = architecture_of(model).layer_list()
    old = model.get_submodule(path)
    assert isinstance(old, nn.ModuleList)
    new = nn.ModuleList(old[number] for number in layers)
    for number, layer in enumerate(new):
        for module in layer.modules():
            # Attention modules of some families know their own number.
            attributes = vars(module)
            if "layer_idx" in attributes:
                attributes["layer_idx"] = number
    model.set_submodule(path, new)
    kinds = getattr(model.config, "layer_types", None)
    if kinds:  # of language models some layers of which look back only so far
        model.config.layer_types = [kinds[number] for number in layers]
    model.config.num_hidden_layers = len(new)
