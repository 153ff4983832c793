"""Weights that pruning set to zero stay zero while the model is retrained."""

from __future__ import annotations

from torch import Tensor
from transformers import PreTrainedModel

from paretoscope.models.architecture import encoder_matrices
from paretoscope.models.modules.access import matrix


def encoder_weights(model: PreTrainedModel) -> dict[str, Tensor]:
    """What weight pruning works on, by parameter name: the matrices [outputs, inputs] of the
    layers, not the embeddings and not the head.

    They are views: what is changed in them is changed in the model.
    """
    return {name: matrix(model, name.removesuffix(".weight")) for name in encoder_matrices(model)}


def sparsity_masks(model: PreTrainedModel) -> dict[str, Tensor]:
    """Masks [outputs, inputs] that hold today's zeros of the layers' matrices at zero, by parameter
    name as training wants them.

    Matrices without a zero are left out. This is how sparsity from an earlier stage survives
    slicing and retraining: nothing needs to be remembered beside the weights themselves.
    """
    masks = {name: weight != 0 for name, weight in encoder_weights(model).items()}
    return {name: mask for name, mask in masks.items() if not mask.all()}
