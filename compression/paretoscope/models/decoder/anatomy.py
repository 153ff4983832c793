"""Where the parts of a decoder language model are: layers, attention, feed-forward, norms,
embedding, head.

The families differ in names and in what they keep stacked in one tensor, so a row of names each is
all they need. This file finds parts; it changes nothing. What a family computes with them is
`graphs/decoder.py`'s.
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import nn
from transformers import PreTrainedModel

from paretoscope.errors import ModelError
from paretoscope.models.modules.access import head_size, matrix
from paretoscope.sources.folder import DECODER_FAMILIES, decoder_unknown


@dataclass(frozen=True)
class DecoderNames:
    """Module names of one family: `layers`, `embeddings`, `final_norm` and `head` from the model,
    the rest from a layer.
    """

    layers: str = "model.layers"
    embeddings: str = "model.embed_tokens"
    positions: str | None = None
    """A table of learned positions; none where positions are rotations."""
    final_norm: str = "model.norm"
    head: str = "lm_head"
    projections: tuple[str, ...] = ("self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj")
    """Query, key and value; one name where one tensor holds all three."""
    output: str = "self_attn.o_proj"
    ffn_in: tuple[str, ...] = ("mlp.gate_proj", "mlp.up_proj")
    """Gate and up; one name where one tensor holds both, or where there is no gate."""
    ffn_out: str = "mlp.down_proj"
    attention_norm: str = "input_layernorm"
    ffn_norm: str | None = "post_attention_layernorm"
    """None where the feed-forward reads what attention reads."""


_LLAMA = DecoderNames()
FAMILIES: dict[str, DecoderNames] = {
    "llama": _LLAMA,
    "mistral": _LLAMA,
    "qwen2": _LLAMA,
    "qwen3": _LLAMA,
    "gemma": _LLAMA,
    "phi3": DecoderNames(projections=("self_attn.qkv_proj",), ffn_in=("mlp.gate_up_proj",)),
    "phi": DecoderNames(
        output="self_attn.dense",
        ffn_in=("mlp.fc1",),
        ffn_out="mlp.fc2",
        ffn_norm=None,
        final_norm="model.final_layernorm",
    ),
    "gpt2": DecoderNames(
        layers="transformer.h",
        embeddings="transformer.wte",
        positions="transformer.wpe",
        final_norm="transformer.ln_f",
        projections=("attn.c_attn",),
        output="attn.c_proj",
        ffn_in=("mlp.c_fc",),
        ffn_out="mlp.c_proj",
        attention_norm="ln_1",
        ffn_norm="ln_2",
    ),
}
"""By `model_type` of the config; the same families as `own_model.DECODER_FAMILIES`."""
assert tuple(FAMILIES) == DECODER_FAMILIES


@dataclass(frozen=True)
class DecoderLayer:
    """One layer: its module path and the full names of its parts.

    With h query heads and g key heads of size d, hidden size H and feed-forward width F: query is
    [h*d, H], key and value [g*d, H] (query heads i*h/g to (i+1)*h/g read key head i), output [H,
    h*d], gate and up [F, H], ffn_out [H, F].
    """

    path: str
    projections: tuple[str, ...]
    output: str
    ffn_in: tuple[str, ...]
    ffn_out: str
    attention_norm: str
    ffn_norm: str | None
    head_size: int

    @property
    def linears(self) -> tuple[str, ...]:
        return (*self.projections, self.output, *self.ffn_in, self.ffn_out)

    @property
    def entrance(self) -> str:
        """The module whose input is the hidden state as it enters the layer."""
        return self.path


@dataclass(frozen=True)
class DecoderAnatomy:
    """The parts of one model, all as module names except `matrices`."""

    family: str
    layers: tuple[DecoderLayer, ...]
    layer_list: str
    embeddings: str
    positions: str | None
    final_norm: str
    head: str

    @property
    def linears(self) -> tuple[str, ...]:
        """The modules of all layers that multiply, layer by layer."""
        return tuple(name for layer in self.layers for name in layer.linears)

    @property
    def matrices(self) -> tuple[str, ...]:
        """Parameter names of the weights in all layers that pruning may touch."""
        return tuple(f"{name}.weight" for name in self.linears)


def decoder_anatomy(model: PreTrainedModel) -> DecoderAnatomy:
    """Find the parts of a decoder; raises `ModelError` for a family that is not known."""
    family = str(model.config.model_type)
    names = FAMILIES.get(family)
    if names is None:
        raise decoder_unknown(family)
    modules = dict(model.named_modules())
    blocks = modules.get(names.layers)
    if not isinstance(blocks, nn.ModuleList):
        raise ModelError(
            f'The {family} model has no list of layers at "{names.layers}"; use a plain language'
            " model of that family."
        )
    layers = tuple(
        _layer(f"{names.layers}.{index}", names, head_size(model.config))
        for index in range(len(blocks))
    )
    found = DecoderAnatomy(
        family,
        layers,
        names.layers,
        names.embeddings,
        names.positions,
        names.final_norm,
        names.head,
    )
    for name in (
        *(name for layer in layers for name in layer.linears),
        names.embeddings,
        names.final_norm,
        names.head,
    ):
        if name not in modules:
            raise ModelError(
                f'The {family} model has no module "{name}"; use a plain language model of that'
                " family."
            )
    return found


def heads_of(model: nn.Module, layer: DecoderLayer) -> tuple[int, int]:
    """How many query and key heads the tensors of a layer hold, which may be fewer than the config
    says.
    """
    rows = [len(matrix(model, name)) // layer.head_size for name in layer.projections]
    if len(rows) > 1:
        return rows[0], rows[1]
    heads = matrix(model, layer.output).shape[1] // layer.head_size
    return heads, (rows[0] - heads) // 2


def _layer(path: str, names: DecoderNames, size: int) -> DecoderLayer:
    return DecoderLayer(
        path=path,
        projections=tuple(f"{path}.{name}" for name in names.projections),
        output=f"{path}.{names.output}",
        ffn_in=tuple(f"{path}.{name}" for name in names.ffn_in),
        ffn_out=f"{path}.{names.ffn_out}",
        attention_norm=f"{path}.{names.attention_norm}",
        ffn_norm=None if names.ffn_norm is None else f"{path}.{names.ffn_norm}",
        head_size=size,
    )
