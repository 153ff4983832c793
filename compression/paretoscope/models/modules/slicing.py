"""Slicing modules in place: outputs or inputs of a Linear, columns of an embedding, entries of a
layer norm.

The caller chooses the entries and keeps the shapes of connected modules consistent.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from transformers.pytorch_utils import Conv1D

from paretoscope.models.modules.access import embedding, linear


@dataclass(frozen=True)
class Rows:
    """Outputs of a linear module: unit u is rows first + u*each to first + (u+1)*each - 1."""

    module: str
    each: int = 1
    first: int = 0


def slice_linear(model: nn.Module, name: str, entries: Tensor, dimension: int) -> None:
    """Keep some outputs (dimension 0, with their biases) or inputs (dimension 1) of a Linear, in
    the order of `entries` [kept].

    A Conv1D stores its weight transposed.
    """
    module = model.get_submodule(name)
    if not isinstance(module, Conv1D):
        module = linear(model, name)
    module.weight = _sliced(
        module.weight, entries, dimension if isinstance(module, nn.Linear) else 1 - dimension
    )
    bias: nn.Parameter | None = getattr(module, "bias", None)
    if dimension == 0 and bias is not None:
        module.bias = _sliced(bias, entries)
    if isinstance(module, nn.Linear):
        module.out_features, module.in_features = module.weight.shape
    else:
        module.nx, module.nf = module.weight.shape


def slice_embedding(model: nn.Module, name: str, columns: Tensor) -> None:
    """Keep some columns of an Embedding [rows, width]."""
    module = embedding(model, name)
    module.weight = _sliced(module.weight, columns, 1)
    module.embedding_dim = len(columns)


def slice_norm(model: nn.Module, name: str, entries: Tensor) -> None:
    """Keep some entries of a LayerNorm, which then normalizes over these only."""
    module = model.get_submodule(name)
    assert isinstance(module, nn.LayerNorm)
    module.weight, module.bias = _sliced(module.weight, entries), _sliced(module.bias, entries)
    module.normalized_shape = (len(entries),)


def _sliced(parameter: Tensor, entries: Tensor, dimension: int = 0) -> nn.Parameter:
    return nn.Parameter(parameter.detach().index_select(dimension, entries).contiguous())


def resize_linear(module: nn.Linear | Conv1D, out_features: int, in_features: int) -> None:
    """Resize a Linear in place; its weights are undefined until they are loaded."""
    if isinstance(module, Conv1D):
        module.nf, module.nx = out_features, in_features
        module.weight = nn.Parameter(torch.empty(in_features, out_features))
        module.bias = nn.Parameter(torch.empty(out_features))
        return
    if (module.out_features, module.in_features) == (out_features, in_features):
        return
    module.out_features, module.in_features = out_features, in_features
    module.weight = nn.Parameter(torch.empty(out_features, in_features))
    bias: nn.Parameter | None = getattr(module, "bias", None)
    if bias is not None and bias.shape != (out_features,):
        module.bias = nn.Parameter(torch.empty(out_features))
