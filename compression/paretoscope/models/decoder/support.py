"""Which configs of language models the graph supports."""

from __future__ import annotations

from typing import Any

from transformers import PreTrainedConfig

from paretoscope.errors import ModelError
from paretoscope.families.decoders import decoder_family
from paretoscope.models.modules.access import head_size

FIXED_ROTATIONS = ("default", "linear", "llama3", "yarn", "longrope", "dynamic")
"""Rotations that do not depend on the length of the text, longrope and dynamic up to the length
before extension.
"""
HEAD_STEP = 16
"""GroupQueryAttention needs a multiple of this as head size and as size of the rotated part."""
ACTIVATIONS: dict[str, tuple[str, dict[str, Any]]] = {
    "silu": ("QuickGelu", {"alpha": 1.0}),
    "swish": ("QuickGelu", {"alpha": 1.0}),
    "gelu": ("Gelu", {}),
    "gelu_new": ("FastGelu", {}),
    "gelu_fast": ("FastGelu", {}),
    "gelu_pytorch_tanh": ("FastGelu", {}),
    "quick_gelu": ("QuickGelu", {"alpha": 1.702}),
}
"""ONNX Runtime's operator and attributes of each feed-forward activation, by name in the config."""


def check_supported(config: PreTrainedConfig) -> None:
    """Raise `ModelError` if the graph does not support a setting of the config."""
    family = str(config.model_type)
    rope = _rope(config)
    kind = rope.get("rope_type", "default")
    if kind not in FIXED_ROTATIONS:
        raise ModelError(
            f'This {family} model rotates positions by "{kind}", which is not supported; supported'
            f" are {', '.join(FIXED_ROTATIONS)}."
        )
    if activation(config) not in ACTIVATIONS:
        raise ModelError(
            f'This {family} model has the activation "{activation(config)}", which is not'
            f" supported; supported are {', '.join(ACTIVATIONS)}."
        )
    for size, what in (
        (head_size(config), "attention heads of"),
        (int(head_size(config) * rope.get("partial_rotary_factor", 1.0)), "rotations of"),
    ):
        if size % HEAD_STEP:
            raise ModelError(
                f"This {family} model has {what} {size} numbers, but the runtime takes multiples of"
                f" {HEAD_STEP} only."
            )
    for flag in (
        "qk_layernorm",
        "scale_attn_by_inverse_layer_idx",
        "add_cross_attention",
        "use_bidirectional_attention",
    ):
        if getattr(config, flag, False):
            raise ModelError(
                f'This {family} model sets "{flag}" in its config, which is not supported; give one'
                " without it."
            )


def context_length(config: PreTrainedConfig) -> int:
    """Largest number of tokens of a text."""
    rope = _rope(config)
    if rope.get("rope_type") == "longrope":
        return int(
            rope.get("original_max_position_embeddings") or config.original_max_position_embeddings
        )
    return int(config.max_position_embeddings)


def _rope(config: PreTrainedConfig) -> dict[str, Any]:
    return getattr(config, "rope_parameters", None) or {}


def activation(config: PreTrainedConfig) -> str:
    """Name of the feed-forward activation."""
    fields = decoder_family(str(config.model_type)).activation
    return str(next((value for field in fields if (value := getattr(config, field, None))), ""))
