"""An encoder classifier as an ONNX graph, assembled from its tensors and the runtime's fused
operators.

A traced graph has to be searched for patterns to fuse and again for weights to replace. An
assembled graph is fused by construction, takes a tenth of the time, and stores each matrix under a
fixed name ("layer.3.ffn.in"), so that quantization replaces one node. Families without a row in
`families/encoders.py` are traced (`graphs/trace.py`). `graphs/export.py` compares every graph with
torch.

The graph of one layer, post-norm as in BERT (Devlin et al. 2019, arXiv:1810.04805):

    x -> MatMul(qkv) -> Split -> MultiHeadAttention(+ bias, mask) -> MatMul(output) -> Sum(+ x,
    bias) -> LayerNormalization
      -> MatMul(ffn.in) -> BiasGelu -> MatMul(ffn.out) -> Sum(+ its input, bias) ->
      LayerNormalization

The residual is a Sum because the runtime fuses an Add with the norm to SkipLayerNormalization. That
kernel takes about four times as long as the two operators that it replaces (82 against 20 us for 32
tokens of 384, measured).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import onnx
from transformers import PretrainedConfig, PreTrainedModel

from paretoscope.families.encoders import ENCODERS
from paretoscope.graphs.graph import EMBEDDING, HEAD, MICROSOFT, Graph
from paretoscope.models.encoder.anatomy import Anatomy, LayerAnatomy, anatomy

ACTIVATIONS = {
    "gelu": "BiasGelu",
    "gelu_new": "FastGelu",
    "gelu_pytorch_tanh": "FastGelu",
    "relu": "Relu",
}
"""Feed-forward activations by the name in the config, as operators."""


def can_assemble(config: PretrainedConfig) -> bool:
    """Whether `assemble` supports the family and the settings of a config."""
    family = ENCODERS.get(str(config.model_type))
    absolute = getattr(config, "position_embedding_type", None) in (None, "absolute")
    return (
        family is not None
        and getattr(config, family.activation, None) in ACTIVATIONS
        and absolute
        and not getattr(config, "is_decoder", False)
        and not getattr(config, "chunk_size_feed_forward", 0)
    )


@dataclass(frozen=True)
class Builder:
    """A graph under construction and the model that it is built from."""

    graph: Graph
    tensors: Mapping[str, np.ndarray]
    config: PretrainedConfig
    parts: Anatomy

    def parameter(self, name: str, source: str) -> str:
        """A tensor of the model as an initializer."""
        return self.graph.constant(name, self.tensors[source])

    def linear(self, name: str, x: str, weight: np.ndarray) -> str:
        """x times the transpose of torch's weight [out, in]; the next operator adds the bias."""
        return self.graph.node(
            "MatMul", [x, self.graph.constant(name, weight.T)], f"{name}.product"
        )

    def norm(self, name: str, x: str, weight: str, bias: str) -> str:
        epsilon = float(getattr(self.config, "layer_norm_eps", 1e-12))
        inputs = [x, weight, bias]
        return self.graph.node(
            "LayerNormalization", inputs, f"{name}.normed", axis=-1, epsilon=epsilon
        )


def assemble(model: PreTrainedModel) -> onnx.ModelProto:
    """The graph of a model, also with pruned layers, heads or neurons."""
    tensors = {name: value.detach().numpy() for name, value in model.state_dict().items()}
    make = Builder(Graph(), tensors, model.config, anatomy(model))
    mask = make.graph.node("Cast", ["attention_mask"], "mask", to=onnx.TensorProto.INT32)
    x = _embeddings(make)
    for index, layer in enumerate(make.parts.layers):
        x = _attention(make, f"layer.{index}", x, mask, layer)
        x = _feed_forward(make, f"layer.{index}", x, layer)
    _head(make, x)
    return make.graph.classifier(classes=len(tensors[f"{make.parts.head[-1]}.weight"]))


def _embeddings(make: Builder) -> str:
    """Sum of token, position and token type embeddings, normalized: [batch, sequence, hidden].

    The token type is always 0, so its embedding is added to the position embedding in advance.
    """
    graph, family = make.graph, make.parts.family
    path = family.embeddings
    table = make.parameter(EMBEDDING, f"{path}.{family.word_embeddings}.weight")
    tokens = graph.node("Gather", [table, "input_ids"], "embedding")
    positions = make.tensors[f"{path}.{family.position_embeddings}.weight"]
    types = make.tensors.get(f"{path}.{family.token_type_embeddings}.weight")
    if types is not None:
        positions = positions + types[0]
    if family.positions_after_padding:
        rows = _rows_after_padding(graph, positions, make.config.pad_token_id)
    else:
        rows = _first_rows(graph, positions)
    total = graph.node("Add", [tokens, rows], "embedding.sum")
    norm = (
        make.parameter(f"embedding.norm.{part}", f"{path}.{family.embedding_norm}.{part}")
        for part in ("weight", "bias")
    )
    x = make.norm("embedding", total, *norm)
    if (projection := make.parts.embedding_projection) is None:
        return x
    x = make.linear("embedding.project", x, make.tensors[f"{projection}.weight"])
    bias = make.parameter("embedding.project.bias", f"{projection}.bias")
    return graph.node("Add", [x, bias], "embedding.projected")


def _first_rows(graph: Graph, table: np.ndarray) -> str:
    """Rows 0 to sequence - 1 of the position embedding; the runtime refuses a longer sequence."""
    length = graph.node("Shape", ["input_ids"], "sequence", start=1, end=2)
    start = graph.constant("zero", np.zeros(1, dtype=np.int64))
    return graph.node(
        "Slice", [graph.constant("embedding.position", table), start, length, start], "positions"
    )


def _rows_after_padding(graph: Graph, table: np.ndarray, padding: int) -> str:
    """Rows of the position embedding as `transformers` numbers them in RoBERTa: a padding token,
    also one in a text, has the row `padding` and is not counted; the others follow it.
    """
    stored = graph.constant("embedding.position", table[padding:])
    token = graph.constant("padding", np.array(padding, dtype=np.int64))
    axis = graph.constant("sequence.axis", np.array(1, dtype=np.int64))
    is_padding = graph.node("Equal", ["input_ids", token], "is.padding")
    counted = graph.node("Not", [is_padding], "counted")
    ones = graph.node("Cast", [counted], "counted.ones", to=onnx.TensorProto.INT64)
    total = graph.node("CumSum", [ones, axis], "counted.total")
    return graph.node("Gather", [stored, graph.node("Mul", [total, ones], "rows")], "positions")


def _attention(make: Builder, name: str, x: str, mask: str, layer: LayerAnatomy) -> str:
    """The attention block of a layer; `x` and the result are [batch, sequence, hidden]."""
    projections = (layer.query, layer.key, layer.value)
    qkv = np.concatenate([make.tensors[f"{part}.weight"] for part in projections])
    biases = np.concatenate([make.tensors[f"{part}.bias"] for part in projections])
    bias = make.graph.constant(f"{name}.qkv.bias", biases)
    width = len(qkv) // 3
    packed = make.linear(f"{name}.qkv", x, qkv)
    separate = make.graph.split(packed, [width] * 3, [f"{name}.q", f"{name}.k", f"{name}.v"])
    attended = make.graph.node(
        "MultiHeadAttention",
        [*separate, bias, mask],
        f"{name}.attended",
        domain=MICROSOFT,
        num_heads=width // layer.head_size,
    )
    out = make.linear(f"{name}.output", attended, make.tensors[f"{layer.output}.weight"])
    return _add_and_norm(make, f"{name}.output", (out, x), layer.output, layer.attention_norm)


def _feed_forward(make: Builder, name: str, x: str, layer: LayerAnatomy) -> str:
    """The feed-forward block of a layer; `x` and the result are [batch, sequence, hidden]."""
    inner = make.linear(f"{name}.ffn.in", x, make.tensors[f"{layer.ffn_in}.weight"])
    bias = make.parameter(f"{name}.ffn.in.bias", f"{layer.ffn_in}.bias")
    inner = _activated(make, f"{name}.ffn.in", inner, bias)
    out = make.linear(f"{name}.ffn.out", inner, make.tensors[f"{layer.ffn_out}.weight"])
    return _add_and_norm(make, f"{name}.ffn.out", (out, x), layer.ffn_out, layer.ffn_norm)


def _add_and_norm(make: Builder, name: str, terms: tuple[str, str], linear: str, norm: str) -> str:
    """The norm of both terms and the bias of a linear module."""
    scale = make.parameter(f"{name}.norm.weight", f"{norm}.weight")
    shift = make.parameter(f"{name}.norm.bias", f"{norm}.bias")
    bias = make.parameter(f"{name}.bias", f"{linear}.bias")
    total = make.graph.node("Sum", [*terms, bias], f"{name}.sum")
    return make.norm(name, total, scale, shift)


def _activated(make: Builder, name: str, x: str, bias: str) -> str:
    op = ACTIVATIONS[getattr(make.config, make.parts.family.activation)]
    if op == "Relu":
        shifted = make.graph.node("Add", [x, bias], f"{name}.shifted")
        return make.graph.node("Relu", [shifted], f"{name}.activated")
    return make.graph.node(op, [x, bias], f"{name}.activated", domain=MICROSOFT)


def _head(make: Builder, x: str) -> None:
    """The head on the first token: Linear modules with an activation between them, to "logits"."""
    graph, modules = make.graph, make.parts.head
    first = graph.constant("first", np.array(0, dtype=np.int64))
    x = graph.node("Gather", [x, first], "first.token", axis=1)
    for index, module in enumerate(modules):
        name, last = f"{HEAD}{index}", index == len(modules) - 1
        product = make.linear(name, x, make.tensors[f"{module}.weight"])
        bias = make.parameter(f"{name}.bias", f"{module}.bias")
        x = graph.node("Add", [product, bias], "logits" if last else f"{name}.shifted")
        if not last:
            x = graph.node(make.parts.family.head_activation, [x], f"{name}.activated")
