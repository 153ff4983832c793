"""Modules made smaller in place: some outputs or inputs of a Linear, some columns of an embedding,
some entries of a layer norm.

Which entries, and that modules still fit together afterwards, is for whoever asks.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from transformers.pytorch_utils import Conv1D

from paretoscope.models.modules.access import embedding, linear


def slice_linear(model: nn.Module, name: str, entries: Tensor, dimension: int) -> None:
    """Keep these outputs (dimension 0, with their biases) or inputs (dimension 1) of a Linear, in
    the order of `entries` [kept].

    A Conv1D, as GPT-2 has them, keeps its weight transposed.
    """
    module = model.get_submodule(name)
    if not isinstance(module, Conv1D):
        module = linear(model, name)
    module.weight = _sliced(
        module.weight, entries, dimension if isinstance(module, nn.Linear) else 1 - dimension
    )
    if dimension == 0 and module.bias is not None:
        module.bias = _sliced(module.bias, entries)
    if isinstance(module, nn.Linear):
        module.out_features, module.in_features = module.weight.shape
    else:
        module.nx, module.nf = module.weight.shape


def slice_embedding(model: nn.Module, name: str, columns: Tensor) -> None:
    """Keep these columns of an Embedding [rows, width]."""
    module = embedding(model, name)
    module.weight = _sliced(module.weight, columns, 1)
    module.embedding_dim = len(columns)


def slice_norm(model: nn.Module, name: str, entries: Tensor) -> None:
    """Keep these entries of a LayerNorm; mean and variance are then taken over them alone."""
    module = model.get_submodule(name)
    assert isinstance(module, nn.LayerNorm)
    module.weight, module.bias = _sliced(module.weight, entries), _sliced(module.bias, entries)
    module.normalized_shape = (len(entries),)


def _sliced(parameter: Tensor, entries: Tensor, dimension: int = 0) -> nn.Parameter:
    return nn.Parameter(parameter.detach().index_select(dimension, entries).contiguous())


def resize_linear(module: nn.Linear | Conv1D, out_features: int, in_features: int) -> None:
    """Make a Linear another size in place; its weights are undefined until they are loaded."""
    if isinstance(module, Conv1D):
        module.nf, module.nx = out_features, in_features
        module.weight = nn.Parameter(torch.empty(in_features, out_features))
        module.bias = nn.Parameter(torch.empty(out_features))
        return
    if (module.out_features, module.in_features) == (out_features, in_features):
        return
    module.out_features, module.in_features = out_features, in_features
    module.weight = nn.Parameter(torch.empty(out_features, in_features))
    if module.bias is not None and module.bias.shape != (out_features,):
        module.bias = nn.Parameter(torch.empty(out_features))
