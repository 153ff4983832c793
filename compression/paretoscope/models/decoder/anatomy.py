"""Module names of a decoder's parts: layers, attention, feed-forward, norms, embeddings, head.

The names come from the family's row in `families/decoders.py`. Nothing here changes a model; the
operators between the parts are in `graphs/decoder.py`.
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor, nn
from transformers import PreTrainedModel

from paretoscope.errors import ModelError
from paretoscope.families.decoders import decoder_family
from paretoscope.families.family import DecoderFamily
from paretoscope.models.modules.access import head_size, matrix, modules_of
from paretoscope.models.modules.slicing import Rows
from paretoscope.models.modules.tensors import unflatten


@dataclass(frozen=True)
class DecoderLayer:
    """One layer: its module path and the full names of its parts.

    With h query heads and g key heads of size d, hidden size H and feed-forward width F: query is
    [h*d, H], key and value [g*d, H] (query heads i*h/g to (i+1)*h/g read key head i), output [H,
    h*d], gate and up [F, H], ffn_out [H, F].
    """

    family: DecoderFamily
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
        return self.path

    def head_rows(self, model: nn.Module) -> tuple[Rows, ...]:
        """A key head with the query heads that attend to it: fewer query heads would leave groups
        of unequal size.
        """
        heads, key_heads = heads_of(model, self)
        size, group = self.head_size, heads // key_heads * self.head_size
        if len(self.projections) == 3:
            query, key, value = self.projections
            return Rows(query, group), Rows(key, size), Rows(value, size)
        stacked = self.projections[0]
        return (
            Rows(stacked, group),
            Rows(stacked, size, heads * size),
            Rows(stacked, size, (heads + key_heads) * size),
        )

    def ffn_rows(self, model: nn.Module) -> tuple[Rows, ...]:
        """Of gate and up, if the feed-forward is gated."""
        rows = tuple(Rows(name) for name in self.ffn_in)
        stacked = self.family.gated and len(rows) == 1
        width = matrix(model, self.ffn_out).shape[1]
        return (*rows, Rows(rows[0].module, first=width)) if stacked else rows

    def residual_readers(self, model: nn.Module) -> tuple[Tensor, Tensor]:
        heads, key_heads = heads_of(model, self)
        value = matrix(model, self.projections[-1])[-key_heads * self.head_size :]
        value = unflatten(value, 0, (key_heads, self.head_size))
        value = value.repeat_interleave(heads // key_heads, dim=0).flatten(0, 1)
        up = matrix(model, self.ffn_in[-1])[-matrix(model, self.ffn_out).shape[1] :]
        first, second = (
            model.get_parameter(f"{norm}.weight") + self.family.norm_offset
            for norm in (self.attention_norm, self.ffn_norm or self.attention_norm)
        )
        return value * first, up * second


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
        """The linear modules of all layers, layer by layer."""
        return tuple(name for layer in self.layers for name in layer.linears)

    @property
    def matrices(self) -> tuple[str, ...]:
        """Parameter names of the weights in all layers that pruning may touch."""
        return tuple(f"{name}.weight" for name in self.linears)


def decoder_anatomy(model: PreTrainedModel) -> DecoderAnatomy:
    """The parts of a decoder; raises `ModelError` for an unknown family."""
    family = decoder_family(str(model.config.model_type))
    modules = modules_of(model)
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
    """Query and key heads of a layer by the shapes of its tensors; after pruning they may be fewer
    than in the config.
    """
    rows = [len(matrix(model, name)) // layer.head_size for name in layer.projections]
    if len(rows) > 1:
        return rows[0], rows[1]
    heads = matrix(model, layer.output).shape[1] // layer.head_size
    return heads, (rows[0] - heads) // 2


def _layer(path: str, family: DecoderFamily, size: int) -> DecoderLayer:
    return DecoderLayer(
        family=family,
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
