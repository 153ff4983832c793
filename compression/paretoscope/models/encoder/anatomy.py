"""Module names of an encoder classifier's parts: layers, attention, feed-forward, embeddings, head.

The names come from the family's row in `families/encoders.py`. Nothing here changes a model. For a
BERT, `anatomy(model).layers[0].query` is "bert.encoder.layer.0.attention.self.query".
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor, nn
from transformers import PreTrainedModel

from paretoscope.errors import ModelError
from paretoscope.families.encoders import ENCODERS, encoder_family
from paretoscope.families.family import EncoderFamily
from paretoscope.models.modules.access import matrix, modules_of
from paretoscope.models.modules.slicing import Rows

PARTS = "query key value output attention_norm ffn_in ffn_out ffn_norm".split()
"""Fields of `LayerAnatomy` that are names of modules, as in `EncoderFamily`."""


@dataclass(frozen=True)
class LayerAnatomy:
    """One transformer layer: its module path and the full names of its Linear modules.

    With h heads kept of size d, hidden size H and feed-forward width F: query, key and value are
    [h*d, H] (rows i*d to (i+1)*d are head i), output is [H, h*d] (the same columns), ffn_in [F, H],
    ffn_out [H, F].
    """

    path: str
    query: str
    key: str
    value: str
    output: str
    attention_norm: str
    ffn_in: str
    ffn_out: str
    ffn_norm: str
    head_size: int

    @property
    def linears(self) -> tuple[str, ...]:
        return (self.query, self.key, self.value, self.output, self.ffn_in, self.ffn_out)

    @property
    def entrance(self) -> str:
        """Query, the first module in every family that reads the hidden state."""
        return self.query

    @property
    def readers(self) -> tuple[str, ...]:
        """Linear modules with the residual stream [H] as input."""
        return (self.query, self.key, self.value, self.ffn_in)

    @property
    def writers(self) -> tuple[str, ...]:
        """Linear modules whose outputs are added to the residual stream [H]."""
        return (self.output, self.ffn_out)

    def head_rows(self, model: nn.Module) -> tuple[Rows, ...]:
        return tuple(Rows(name, self.head_size) for name in (self.query, self.key, self.value))

    def ffn_rows(self, model: nn.Module) -> tuple[Rows, ...]:
        return (Rows(self.ffn_in),)

    def residual_readers(self, model: nn.Module) -> tuple[Tensor, Tensor]:
        return matrix(model, self.value), matrix(model, self.ffn_in)


@dataclass(frozen=True)
class Anatomy:
    """The parts of one model, all as module names except `matrices`."""

    family: EncoderFamily
    layers: tuple[LayerAnatomy, ...]
    layer_list: str
    """The ModuleList of layers."""
    embeddings: str
    """The word embedding."""
    embedding_projection: str | None
    """The Linear from the embedding width to the hidden width, if the two differ."""
    head: tuple[str, ...]
    """Linear modules after the encoder, the one that gives the logits last."""

    @property
    def linears(self) -> tuple[str, ...]:
        """All Linear modules of the encoder, layer by layer."""
        return tuple(name for layer in self.layers for name in layer.linears)

    @property
    def matrices(self) -> tuple[str, ...]:
        """Parameter names of all encoder weights that pruning may touch: the `.weight` of each of
        `linears`.
        """
        return tuple(f"{name}.weight" for name in self.linears)


def anatomy(model: PreTrainedModel) -> Anatomy:
    """The parts of a sequence classifier; raises `ModelError` for an unknown family."""
    family = encoder_family(str(model.config.model_type))
    modules = modules_of(model)
    blocks = modules.get(family.layers)
    if not isinstance(blocks, nn.ModuleList):
        raise ModelError(
            f'The {family.model_type} model has no list of layers at "{family.layers}"; use a plain'
            " sequence classifier of that family."
        )
    head_size = model.config.hidden_size // model.config.num_attention_heads
    layers = tuple(
        _layer(f"{family.layers}.{index}", family, head_size) for index in range(len(blocks))
    )
    embeddings = f"{family.embeddings}.{family.word_embeddings}"
    projection = family.embedding_projection
    found = Anatomy(
        family=family,
        layers=layers,
        layer_list=family.layers,
        embeddings=embeddings,
        embedding_projection=projection if projection in modules else None,
        head=family.head,
    )
    for name in (*found.linears, *found.head):
        if not isinstance(modules.get(name), nn.Linear):
            raise ModelError(
                f'The {family.model_type} model has no linear module "{name}"; use a plain sequence'
                " classifier of that family."
            )
    return found


def is_known(model: PreTrainedModel) -> bool:
    """Whether `anatomy` knows the family. Any other can still be exported, quantized, and pruned
    weight by weight.
    """
    return str(model.config.model_type) in ENCODERS


def _layer(path: str, family: EncoderFamily, head_size: int) -> LayerAnatomy:
    parts = {part: f"{path}.{getattr(family, part)}" for part in PARTS}
    return LayerAnatomy(path=path, head_size=head_size, **parts)
