"""Modules and parameters of a torch model by name."""

from __future__ import annotations

from typing import Any

import numpy as np
from torch import Tensor, nn
from transformers import PreTrainedConfig, PreTrainedModel


def modules_of(model: nn.Module) -> dict[str, nn.Module]:
    """Every module by its name."""
    typed: Any = model
    return dict(typed.named_modules())


def linear(model: nn.Module, name: str) -> nn.Linear:
    """The Linear module of that name."""
    module = model.get_submodule(name)
    assert isinstance(module, nn.Linear), f"{name} is a {type(module).__name__}"
    return module


def embedding(model: nn.Module, name: str) -> nn.Embedding:
    """The Embedding module of that name."""
    module = model.get_submodule(name)
    assert isinstance(module, nn.Embedding), f"{name} is a {type(module).__name__}"
    return module


def layer_list(model: nn.Module, name: str) -> nn.ModuleList:
    """The ModuleList of that name."""
    module = model.get_submodule(name)
    assert isinstance(module, nn.ModuleList), f"{name} is a {type(module).__name__}"
    return module


def is_decoder(config: PreTrainedConfig) -> bool:
    """Whether a config belongs to a language model, not to a classifier."""
    return any(
        str(name).endswith(("ForCausalLM", "LMHeadModel")) for name in config.architectures or ()
    )


def head_size(config: PreTrainedConfig) -> int:
    """Width of an attention head: `head_dim`, if the config has it, else hidden size / heads."""
    return int(
        getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
    )


def matrix(model: nn.Module, name: str) -> Tensor:
    """The weight [outputs, inputs] of a linear module, as a view; of a Conv1D the transpose."""
    module = model.get_submodule(name)
    weight = module.get_parameter("weight").detach()
    return weight if isinstance(module, nn.Linear) else weight.T


def parameter(model: nn.Module, name: str) -> np.ndarray:
    """A parameter as float32."""
    return model.get_parameter(name).detach().numpy()


def weight_of(model: PreTrainedModel, name: str) -> np.ndarray:
    """float32 [outputs, inputs] of a linear module."""
    return matrix(model, name).numpy()


def bias_of(model: PreTrainedModel, name: str) -> np.ndarray | None:
    """float32 [outputs]; None if the module has no bias."""
    bias = getattr(model.get_submodule(name), "bias", None)
    return None if bias is None else bias.detach().numpy()


def is_tied(model: PreTrainedModel) -> bool:
    """Whether the output head and the token embedding share one parameter."""
    typed: Any = model
    head, tokens = typed.get_output_embeddings(), typed.get_input_embeddings()
    return head is not None and tokens is not None and head.weight is tokens.weight
