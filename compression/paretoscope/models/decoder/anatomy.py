"""Module names of a decoder's parts: layers, attention, feed-forward, norms, embeddings, head.

The names come from the family's row in `families/decoders.py`. Nothing here changes a model; the
operators between the parts are in `graphs/decoder.py`.
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import nn
from transformers import PreTrainedModel

from paretoscope.errors import ModelError
from paretoscope.families.decoders import decoder_family
from paretoscope.families.family import DecoderFamily
from paretoscope.models.modules.access import head_size, matrix


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
    head_norms: tuple[str, ...]
    """Of query and key; empty in families without them."""
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

    family: DecoderFamily
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
    family = decoder_family(str(model.config.model_type))
    modules = dict(model.named_modules())
    blocks = modules.get(family.layers)
    if not isinstance(blocks, nn.ModuleList):
        raise ModelError(
            f'The {family.model_type} model has no list of layers at "{family.layers}"; use a plain'
            " language model of that family."
        )
    size = head_size(model.config)
    layers = tuple(_layer(f"{family.layers}.{index}", family, size) for index in range(len(blocks)))
    found = DecoderAnatomy(
        family=family,
        layers=layers,
        layer_list=family.layers,
        embeddings=family.embeddings,
        positions=family.positions,
        final_norm=family.final_norm,
        head=family.head,
    )
    for name in (
        *(name for layer in layers for name in layer.linears),
        family.embeddings,
        family.final_norm,
        family.head,
    ):
        if name not in modules:
            raise ModelError(
                f'The {family.model_type} model has no module "{name}"; use a plain language model'
                " of that family."
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


def _layer(path: str, family: DecoderFamily, size: int) -> DecoderLayer:
    return DecoderLayer(
        path=path,
        projections=tuple(f"{path}.{name}" for name in family.projections),
        output=f"{path}.{family.output}",
        ffn_in=tuple(f"{path}.{name}" for name in family.ffn_in),
        ffn_out=f"{path}.{family.ffn_out}",
        attention_norm=f"{path}.{family.attention_norm}",
        ffn_norm=None if family.ffn_norm is None else f"{path}.{family.ffn_norm}",
        head_norms=tuple(f"{path}.{name}" for name in family.head_norms or ()),
        head_size=size,
    )
