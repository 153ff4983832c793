"""Shapes of a pruned classifier's checkpoint: fewer heads, a narrower feed-forward, a smaller
hidden size.

`models/checkpoint.py` reads and writes the files.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor
from transformers import PreTrainedModel

from paretoscope.errors import ModelError
from paretoscope.models.encoder.anatomy import LayerAnatomy, anatomy
from paretoscope.models.encoder.residual_stream import keep_dimensions, residual_stream
from paretoscope.models.modules.access import linear
from paretoscope.models.modules.slicing import resize_linear


def resize_encoder(model: PreTrainedModel, tensors: Mapping[str, Tensor], source: Path) -> None:
    """Give each Linear of the layers the shape of its stored weight, and the hidden state the
    stored width.

    Attention derives its number of heads from these shapes: every family of `anatomy` views query,
    key and value as [batch, tokens, -1, head size].
    """
    _resize_hidden(model, tensors)
    for layer in anatomy(model).layers:
        shapes = {
            name: tensors[f"{name}.weight"].shape
            for name in layer.linears
            if f"{name}.weight" in tensors
        }
        if len(shapes) == len(layer.linears) and not _consistent(layer, shapes):
            sizes = ", ".join(
                f"{name.removeprefix(layer.path + '.')} {list(shape)}"
                for name, shape in shapes.items()
            )
            raise ModelError(
                f'In "{source}", {layer.path} has tensors of inconsistent shapes ({sizes}); make'
                " the checkpoint again."
            )
        for name, (rows, columns) in shapes.items():
            resize_linear(linear(model, name), rows, columns)


def _resize_hidden(model: PreTrainedModel, tensors: Mapping[str, Tensor]) -> None:
    """Give the hidden state and the inner layer of the head their stored widths; values are
    undefined until loaded.
    """
    stream, head = residual_stream(model), anatomy(model).head
    stored = tensors.get(f"{stream.writers[-1]}.weight")
    if stored is None or not 0 < len(stored) < stream.width(model):
        return
    keep_dimensions(model, torch.arange(len(stored)))
    for name in head:
        weight = tensors.get(f"{name}.weight", linear(model, name).weight)
        resize_linear(linear(model, name), *weight.shape)


def _consistent(layer: LayerAnatomy, shapes: Mapping[str, torch.Size]) -> bool:
    rows, width = shapes[layer.query][0], shapes[layer.ffn_in][0]
    return (
        rows == shapes[layer.key][0] == shapes[layer.value][0] == shapes[layer.output][1]
        and rows > 0
        and rows % layer.head_size == 0
        and width > 0
        and width == shapes[layer.ffn_out][1]
    )
