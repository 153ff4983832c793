"""A decoder language model as an ONNX graph with a key-value cache, assembled from its tensors and
the runtime's fused operators.

As in `graphs/encoder.py`, an assembled graph is fused by construction and stores each matrix under
a fixed name ("layer.3.qkv", "layer.3.ffn.in", "head.0"), so that quantization replaces one node.
`graphs/export_decoder.py` compares it with torch.

    input_ids int64 [batch, sequence]; attention_mask int64 [batch, past + sequence], 1 for tokens
    and 0 for padding on the right; past_key_values.{i}.key|value float32 [batch, key heads, past,
    head size]
    -> logits float32 [batch, 1, vocabulary], those of the last token that is not padding;
    present.{i}.key|value

One layer of a Llama (Touvron et al. 2023, arXiv:2302.13971); other families differ in the fields of
their row in `families/decoders.py`:

    x -> norm -> MatMul(qkv) -> GroupQueryAttention(rotary inside) -> MatMul(output) -> Add(x)
      -> norm -> MatMul(ffn.in) -> Split -> QuickGelu(gate) * up -> MatMul(ffn.out) -> Add

Two alternatives are not faster: a norm fused with its residual (SkipSimplifiedLayerNormalization)
is within one percent, and separate matrices for gate and up are a tenth slower per token. The
output head reads the last token only: over a prompt of 128 tokens SmolLM2's head would be a fifth
of all work. `graph.with_all_logits` makes the graph with logits for every token, which measuring
quality needs. A tied output head reads the embedding's tensor.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import onnx
from transformers import PreTrainedConfig, PreTrainedModel

from paretoscope.graphs.decoder_inputs import (
    Positions,
    embedded,
    inputs_and_outputs,
    positions,
    rotary_tables,
)
from paretoscope.graphs.decoder_parts import Builder
from paretoscope.graphs.graph import EMBEDDING, HEAD, LAST, MICROSOFT, Graph
from paretoscope.models.decoder.anatomy import DecoderLayer, decoder_anatomy, heads_of
from paretoscope.models.decoder.support import ACTIVATIONS, activation, check_supported
from paretoscope.models.modules.access import bias_of, is_tied, weight_of


def assemble_decoder(model: PreTrainedModel) -> onnx.ModelProto:
    """The graph of a model, also with pruned layers, heads or neurons; raises `ModelError` for an
    unsupported family or config.
    """
    check_supported(model.config)
    parts = decoder_anatomy(model)
    make = Builder(Graph(), model, parts)
    at = positions(make.graph)
    x = embedded(make, at.start)
    at = replace(at, rotary=rotary_tables(make))
    for index, layer in enumerate(parts.layers):
        x = _layer(make, index, x, layer, at)
    x = make.norm("final", x, parts.final_norm)
    _head(make, _last_token(make.graph, x, at))
    caches = [(heads_of(model, layer)[1], layer.head_size) for layer in parts.layers]
    vocabulary = len(weight_of(model, parts.head))
    return make.graph.model("decoder", *inputs_and_outputs(caches, vocabulary))


def _layer(make: Builder, index: int, x: str, layer: DecoderLayer, at: Positions) -> str:
    """One layer; `x` and the result are [batch, sequence, hidden]."""
    graph, name = make.graph, f"layer.{index}"
    normed = make.norm(f"{name}.attention", x, layer.attention_norm)
    attended = _attention(make, index, normed, layer, at)
    out = make.linear(f"{name}.output", attended, (layer.output,))
    if layer.ffn_norm is None:
        both = graph.node("Add", [out, _feed_forward(make, name, normed, layer)], f"{name}.both")
        return graph.node("Add", [both, x], f"{name}.sum")
    x = graph.node("Add", [out, x], f"{name}.output.sum")
    normed = make.norm(f"{name}.ffn", x, layer.ffn_norm)
    return graph.node("Add", [_feed_forward(make, name, normed, layer), x], f"{name}.ffn.out.sum")


def _attention(make: Builder, index: int, x: str, layer: DecoderLayer, at: Positions) -> str:
    """Grouped-query attention with rotation and cache: [batch, sequence, heads * head size]."""
    name = f"layer.{index}"
    heads, key_heads = heads_of(make.model, layer)
    attributes: dict[str, Any] = {}
    if not getattr(make.config, "scale_attn_weights", True):
        attributes["scale"] = 1.0
    if (window := _window(make.config, index)) is not None:
        attributes["local_window_size"] = window
    return make.graph.node(
        "GroupQueryAttention",
        [
            *_query_key_value(make, name, x, layer),
            f"past_key_values.{index}.key",
            f"past_key_values.{index}.value",
            at.last,
            at.total,
            *at.rotary,
        ],
        f"{name}.attended",
        also=(f"present.{index}.key", f"present.{index}.value"),
        domain=MICROSOFT,
        num_heads=heads,
        kv_num_heads=key_heads,
        do_rotary=int(bool(at.rotary)),
        **attributes,
    )


def _query_key_value(make: Builder, name: str, x: str, layer: DecoderLayer) -> list[str]:
    """Query, key and value, or the packed projection and two empty inputs."""
    packed = make.linear(f"{name}.qkv", x, layer.projections)
    if not layer.head_norms:
        return [packed, "", ""]
    heads, key_heads = heads_of(make.model, layer)
    widths = [count * layer.head_size for count in (heads, key_heads, key_heads)]
    query, key, value = make.graph.split(packed, widths, [f"{name}.q", f"{name}.k", f"{name}.v"])
    query_norm, key_norm = layer.head_norms
    return [
        make.head_norm(query, query_norm, layer.head_size),
        make.head_norm(key, key_norm, layer.head_size),
        value,
    ]


def _window(config: PreTrainedConfig, index: int) -> int | None:
    """Tokens in a layer's attention window, its own included; None without a window."""
    window = getattr(config, "sliding_window", None)
    kinds = getattr(config, "layer_types", None)
    if (
        not window
        or not getattr(config, "use_sliding_window", True)
        or (kinds and kinds[index] != "sliding_attention")
    ):
        return None
    return int(window)


def _feed_forward(make: Builder, name: str, x: str, layer: DecoderLayer) -> str:
    graph = make.graph
    inner = make.linear(f"{name}.ffn.in", x, layer.ffn_in)
    op, attributes = ACTIVATIONS[activation(make.config)]
    if not make.parts.family.gated:
        inner = graph.node(op, [inner], f"{name}.activated", domain=MICROSOFT, **attributes)
    else:
        width = weight_of(make.model, layer.ffn_out).shape[1]
        gate, up = graph.split(inner, [width, width], [f"{name}.gate", f"{name}.up"])
        gate = graph.node(op, [gate], f"{name}.activated", domain=MICROSOFT, **attributes)
        inner = graph.node("Mul", [gate, up], f"{name}.gated")
    return make.linear(f"{name}.ffn.out", inner, (layer.ffn_out,))


def _last_token(graph: Graph, x: str, at: Positions) -> str:
    """x [batch, sequence, hidden] at the last token that is not padding: [batch, 1, hidden]."""
    offset = graph.node("Sub", [at.lengths, at.start], "last.place")
    offset = graph.node("Sub", [offset, graph.constant("one", np.array([1]))], "last")
    axes = graph.constant("last.axes", np.array([1, 2]))
    index = graph.node("Unsqueeze", [offset, axes], "last.index")
    return graph.node("GatherND", [x, index], LAST, batch_dims=1)


def _head(make: Builder, x: str) -> None:
    """The output head: `x` [batch, tokens, hidden] to "logits". A tied head uses the embedding
    [vocabulary, hidden] as stored.
    """
    graph, name = make.graph, f"{HEAD}0"
    bias = bias_of(make.model, make.parts.head)
    output = "logits" if bias is None else f"{name}.product"
    product = f"{name}.product"
    if is_tied(make.model):
        inputs = [x, EMBEDDING]
        graph.node("FusedMatMul", inputs, output, name=product, domain=MICROSOFT, transB=1)
    else:
        weight = graph.constant(name, weight_of(make.model, make.parts.head).T)
        graph.node("MatMul", [x, weight], output, name=product)
    if bias is not None:
        graph.node("Add", [output, graph.constant(f"{name}.bias", bias)], "logits")
