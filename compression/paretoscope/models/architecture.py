"""What pruning and quantization need of a model, for both architectures."""

from __future__ import annotations

from torch import nn
from transformers import PreTrainedModel

from paretoscope.errors import ModelError
from paretoscope.models.decoder.anatomy import DecoderLayer, decoder_anatomy
from paretoscope.models.encoder.anatomy import LayerAnatomy, anatomy, is_known
from paretoscope.models.modules.access import is_decoder


def encoder_matrices(model: PreTrainedModel) -> tuple[str, ...]:
    """Parameter names of the weights that pruning may touch, for any family, in the order in which
    they run.

    Of a language model they are those of its layers. Outside of what is known they are those of all
    Linear modules of the base model but its pooler, which belongs to the head. Raises `ModelError`
    when there are none.
    """
    if is_known(model):
        return anatomy(model).matrices
    if is_decoder(model.config):
        return decoder_anatomy(model).matrices
    base = f"{model.base_model_prefix}."
    linears = (
        name
        for name, module in model.named_modules()
        if isinstance(module, nn.Linear) and name.startswith(base)
    )
    found = tuple(f"{name}.weight" for name in linears if "pooler" not in name)
    if not found:
        raise ModelError(
            f"The {model.config.model_type} model has no linear modules in"
            f' "{model.base_model_prefix}"; its weights cannot be pruned.'
        )
    return found


def layers_of(model: PreTrainedModel) -> tuple[LayerAnatomy, ...] | tuple[DecoderLayer, ...]:
    """The layers that are there now, of a classifier or a language model."""
    return decoder_anatomy(model).layers if is_decoder(model.config) else anatomy(model).layers
