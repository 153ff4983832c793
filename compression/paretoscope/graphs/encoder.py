"""An encoder classifier as an ONNX graph, put together from its tensors with the runtime's fused
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

The residual is a Sum, which the runtime leaves alone: an Add it would fuse with the norm to
SkipLayerNormalization, whose kernel takes some four times as long as the two operators that it
replaces (82 against 20 us for 32 tokens of 384, measured).
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import onnx
from transformers import PretrainedConfig, PreTrainedModel

from paretoscope.families.encoders import ENCODERS
from paretoscope.families.family import EncoderFamily
from paretoscope.graphs.graph import EMBEDDING, HEAD, MICROSOFT, Graph
from paretoscope.models.encoder.anatomy import LayerAnatomy, anatomy

Tensors = Mapping[str, np.ndarray]


ACTIVATIONS = {
    "gelu": "BiasGelu",
    "gelu_new": "FastGelu",
    "gelu_pytorch_tanh": "FastGelu",
    "relu": "Relu",
}
"""Feed-forward activations by the name in the config, as operators."""


def can_assemble(config: PretrainedConfig) -> bool:
    """Whether this family, with this configuration, has a plan here."""
    family = ENCODERS.get(str(config.model_type))
    absolute = getattr(config, "position_embedding_type", None) in (None, "absolute")
    return (
        family is not None
        and getattr(config, family.activation, None) in ACTIVATIONS
        and absolute
        and not getattr(config, "is_decoder", False)
    )


def assemble(model: PreTrainedModel) -> onnx.ModelProto:
    """The graph of `model` as it is: pruned heads, narrower feed-forwards and fewer layers
    included.
    """
    config, parts = model.config, anatomy(model)
    family = parts.family
    tensors = {name: value.detach().numpy() for name, value in model.state_dict().items()}
    epsilon = float(getattr(config, "layer_norm_eps", 1e-12))
    graph = Graph()
    mask = graph.node("Cast", ["attention_mask"], "mask", to=onnx.TensorProto.INT32)
    x = _embeddings(graph, tensors, parts.embedding_projection, config, family, epsilon)
    for index, layer in enumerate(parts.layers):
        x = _layer(graph, f"layer.{index}", x, mask, tensors, layer, config, family, epsilon)
    _head(graph, x, tensors, parts.head, family)
    return graph.classifier(classes=len(tensors[f"{parts.head[-1]}.weight"]))


def _embeddings(
    graph: Graph,
    tensors: Tensors,
    project: str | None,
    config: PretrainedConfig,
    family: EncoderFamily,
    epsilon: float,
) -> str:
    """Word, position and (folded into position) token type embeddings, summed and normed: [batch,
    sequence, hidden].
    """
    path = family.embeddings
    words = graph.node(
        "Gather",
        [
            graph.constant(EMBEDDING, tensors[f"{path}.{family.word_embeddings}.weight"]),
            "input_ids",
        ],
        "embedding",
    )
    table = tensors[f"{path}.{family.position_embeddings}.weight"]
    if family.positions_after_padding:
        table = table[config.pad_token_id + 1 :]
    if (kinds := tensors.get(f"{path}.{family.token_type_embeddings}.weight")) is not None:
        table = table + kinds[0]
    positions = _first_rows(graph, table)
    total = graph.node("Add", [words, positions], "embedding.sum")
    norm = [
        graph.constant(f"embedding.norm.{part}", tensors[f"{path}.{family.embedding_norm}.{part}"])
        for part in ("weight", "bias")
    ]
    x = graph.node(
        "LayerNormalization", [total, *norm], "embedding.normed", axis=-1, epsilon=epsilon
    )
    if project is not None:
        x = _linear(graph, "embedding.project", x, tensors[f"{project}.weight"])
        x = graph.node(
            "Add",
            [x, graph.constant("embedding.project.bias", tensors[f"{project}.bias"])],
            "embedding.projected",
        )
    return x


def _first_rows(graph: Graph, table: np.ndarray) -> str:
    """Rows 0 .. sequence-1 of the position table, so a sequence longer than the table is refused by
    the runtime.
    """
    length = graph.node("Shape", ["input_ids"], "sequence", start=1, end=2)
    start = graph.constant("zero", np.zeros(1, dtype=np.int64))
    return graph.node(
        "Slice", [graph.constant("embedding.position", table), start, length, start], "positions"
    )


def _layer(
    graph: Graph,
    name: str,
    x: str,
    mask: str,
    tensors: Tensors,
    layer: LayerAnatomy,
    config: PretrainedConfig,
    family: EncoderFamily,
    epsilon: float,
) -> str:
    """One transformer layer; `x` and the result are [batch, sequence, hidden]."""
    projections = (layer.query, layer.key, layer.value)
    qkv = np.concatenate([tensors[f"{part}.weight"] for part in projections])
    bias = graph.constant(
        f"{name}.qkv.bias", np.concatenate([tensors[f"{part}.bias"] for part in projections])
    )
    width = len(qkv) // 3
    packed = _linear(graph, f"{name}.qkv", x, qkv)
    q, k, v = graph.split(packed, [width] * 3, [f"{name}.q", f"{name}.k", f"{name}.v"])
    heads = width // layer.head_size
    attended = graph.node(
        "MultiHeadAttention",
        [q, k, v, bias, mask],
        f"{name}.attended",
        domain=MICROSOFT,
        num_heads=heads,
    )
    out = _linear(graph, f"{name}.output", attended, tensors[f"{layer.output}.weight"])
    x = _add_and_norm(
        graph,
        f"{name}.output",
        out,
        x,
        tensors,
        layer.output,
        layer.attention_norm,
        epsilon,
    )
    inner = _linear(graph, f"{name}.ffn.in", x, tensors[f"{layer.ffn_in}.weight"])
    inner = _activated(
        graph,
        f"{name}.ffn.in",
        inner,
        tensors[f"{layer.ffn_in}.bias"],
        getattr(config, family.activation),
    )
    out = _linear(graph, f"{name}.ffn.out", inner, tensors[f"{layer.ffn_out}.weight"])
    return _add_and_norm(
        graph,
        f"{name}.ffn.out",
        out,
        x,
        tensors,
        layer.ffn_out,
        layer.ffn_norm,
        epsilon,
    )


def _linear(graph: Graph, name: str, x: str, weight: np.ndarray) -> str:
    """x times the transpose of torch's weight [out, in]; the bias goes into the operator that
    follows.
    """
    return graph.node("MatMul", [x, graph.constant(name, weight.T)], f"{name}.product")


def _add_and_norm(
    graph: Graph,
    name: str,
    out: str,
    x: str,
    tensors: Tensors,
    linear: str,
    norm: str,
    epsilon: float,
) -> str:
    scale = graph.constant(f"{name}.norm.weight", tensors[f"{norm}.weight"])
    shift = graph.constant(f"{name}.norm.bias", tensors[f"{norm}.bias"])
    bias = graph.constant(f"{name}.bias", tensors[f"{linear}.bias"])
    total = graph.node("Sum", [out, x, bias], f"{name}.sum")
    return graph.node(
        "LayerNormalization", [total, scale, shift], f"{name}.normed", axis=-1, epsilon=epsilon
    )


def _activated(graph: Graph, name: str, x: str, bias: np.ndarray, activation: str) -> str:
    shift = graph.constant(f"{name}.bias", bias)
    op = ACTIVATIONS[activation]
    if op == "Relu":
        return graph.node(
            "Relu", [graph.node("Add", [x, shift], f"{name}.shifted")], f"{name}.activated"
        )
    return graph.node(op, [x, shift], f"{name}.activated", domain=MICROSOFT)


def _head(
    graph: Graph, x: str, tensors: Tensors, head: tuple[str, ...], family: EncoderFamily
) -> None:
    """The head on the first token: Linear modules with an activation between them, to "logits"."""
    first = graph.constant("first", np.array(0, dtype=np.int64))
    x = graph.node("Gather", [x, first], "first.token", axis=1)
    for index, module in enumerate(head):
        last = index == len(head) - 1
        product = _linear(graph, f"{HEAD}{index}", x, tensors[f"{module}.weight"])
        x = graph.node(
            "Add",
            [product, graph.constant(f"{HEAD}{index}.bias", tensors[f"{module}.bias"])],
            "logits" if last else f"{HEAD}{index}.shifted",
        )
        if not last:
            x = graph.node(family.head_activation, [x], f"{HEAD}{index}.activated")
