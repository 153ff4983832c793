"""Where the parts of a transformer classifier are: layers, attention heads, feed-forward,
embedding, head.

The families differ only in names, so one row of names each is all they need. This file finds parts;
it changes nothing. For a BERT, `anatomy(model).layers[0].query` is
"bert.encoder.layer.0.attention.self.query".
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import nn
from transformers import PreTrainedModel

from paretoscope.errors import ModelError
from paretoscope.shape.compatibility import parts_unknown


@dataclass(frozen=True)
class Names:
    """Module names of one family: `layers`, `embeddings` and `head` from the model, the rest from a
    layer.
    """

    layers: str
    embeddings: str
    head: tuple[str, ...]
    query: str = "attention.self.query"
    key: str = "attention.self.key"
    value: str = "attention.self.value"
    output: str = "attention.output.dense"
    ffn_in: str = "intermediate.dense"
    ffn_out: str = "output.dense"


def _bert_like(
    base: str, head: tuple[str, ...] = ("classifier.dense", "classifier.out_proj")
) -> Names:
    return Names(f"{base}.encoder.layer", f"{base}.embeddings.word_embeddings", head)


FAMILIES: dict[str, Names] = {
    "bert": _bert_like("bert", ("bert.pooler.dense", "classifier")),
    "roberta": _bert_like("roberta"),
    "xlm-roberta": _bert_like("roberta"),
    "camembert": _bert_like("roberta"),
    "electra": _bert_like("electra"),
    "distilbert": Names(
        layers="distilbert.transformer.layer",
        embeddings="distilbert.embeddings.word_embeddings",
        head=("pre_classifier", "classifier"),
        query="attention.q_lin",
        key="attention.k_lin",
        value="attention.v_lin",
        output="attention.out_lin",
        ffn_in="ffn.lin1",
        ffn_out="ffn.lin2",
    ),
}
"""By `model_type` of the config."""


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
    ffn_in: str
    ffn_out: str
    head_size: int

    @property
    def linears(self) -> tuple[str, ...]:
        return (self.query, self.key, self.value, self.output, self.ffn_in, self.ffn_out)

    @property
    def entrance(self) -> str:
        """The module whose input is the hidden state as it enters the layer: in every family, query
        is the first to read it.
        """
        return self.query

    @property
    def readers(self) -> tuple[str, ...]:
        """Those whose inputs are the residual stream [H]."""
        return (self.query, self.key, self.value, self.ffn_in)

    @property
    def writers(self) -> tuple[str, ...]:
        """Those whose outputs are added to it [H]."""
        return (self.output, self.ffn_out)


@dataclass(frozen=True)
class Anatomy:
    """The parts of one model, all as module names except `matrices`."""

    family: str
    layers: tuple[LayerAnatomy, ...]
    layer_list: str
    """The ModuleList of layers."""
    embeddings: str
    """The word embedding."""
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
    """Find the parts of a sequence classifier; raises `ModelError` for a family that is not known."""
    family = str(model.config.model_type)
    names = FAMILIES.get(family)
    if names is None:
        raise parts_unknown(family)
    modules = dict(model.named_modules())
    blocks = modules.get(names.layers)
    if not isinstance(blocks, nn.ModuleList):
        raise ModelError(
            f'The {family} model has no list of layers at "{names.layers}"; use a plain sequence'
            " classifier of that family."
        )
    head_size = model.config.hidden_size // model.config.num_attention_heads
    layers = tuple(
        _layer(f"{names.layers}.{index}", names, head_size) for index in range(len(blocks))
    )
    found = Anatomy(family, layers, names.layers, names.embeddings, names.head)
    for name in (*found.linears, *found.head):
        if not isinstance(modules.get(name), nn.Linear):
            raise ModelError(
                f'The {family} model has no linear module "{name}"; use a plain sequence classifier'
                " of that family."
            )
    return found


def is_known(model: PreTrainedModel) -> bool:
    """Whether `anatomy` knows the family. Any other can still be exported, quantized, and pruned
    weight by weight.
    """
    return str(model.config.model_type) in FAMILIES


def _layer(path: str, names: Names, head_size: int) -> LayerAnatomy:
    parts = {
        part: f"{path}.{getattr(names, part)}"
        for part in ("query", "key", "value", "output", "ffn_in", "ffn_out")
    }
    return LayerAnatomy(path=path, head_size=head_size, **parts)
