"""Weights that pruning set to zero stay zero while the model is trained again.

Which weights become zero is decided in `pruning/`.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

from paretoscope.models.architecture import architecture_of
from paretoscope.models.modules.access import matrix


def encoder_weights(model: PreTrainedModel) -> dict[str, Tensor]:
    """The matrices [out, in] of the layers, which weight pruning works on, by parameter name.

    Embeddings and head are not among them. The tensors are views: a change in them changes the
    model.
    """
    names = architecture_of(model).matrices()
    return {name: matrix(model, name.removesuffix(".weight")) for name in names}


def sparsity_masks(model: PreTrainedModel) -> dict[str, Tensor]:
    """Masks [out, in] of the zeros in the layers' matrices, by parameter name: False where zero.

    Matrices without a zero are left out. Sparsity of an earlier stage survives slicing and
    training this way: the weights themselves record it.
    """
    masks = {name: weight != 0 for name, weight in encoder_weights(model).items()}
    return {name: mask for name, mask in masks.items() if not mask.all()}


class HeldZeros:
    """Parameters of a model whose masked entries stay exactly zero in every step."""

    def __init__(self, model: nn.Module, masks: Mapping[str, Tensor]) -> None:
        """`masks` are by parameter name, as `sparsity_masks` gives them."""
        self._masked = [
            (model.get_parameter(name), mask.to(torch.float32)) for name, mask in masks.items()
        ]

    def mask_gradients(self) -> None:
        """Set the gradients of the masked entries to zero."""
        for parameter, mask in self._masked:
            if parameter.grad is not None:
                parameter.grad *= mask

    @torch.no_grad()
    def mask_weights(self) -> None:
        """Set the masked entries to zero: optimizers may move a weight without a gradient."""
        for parameter, mask in self._masked:
            parameter *= mask
