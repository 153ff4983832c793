"""A decoder language model as an ONNX graph with a key-value cache, put together from its tensors
with the runtime's fused operators.

As for encoders (`graphs/encoder.py`), a graph that is assembled is fused by construction and has
each matrix under its own name ("layer.3.qkv", "layer.3.ffn.in", "head.0"), so that quantization is
a change of one node. `graphs/export_decoder.py` checks it against torch.

    input_ids int64 [batch, sequence]; attention_mask int64 [batch, past + sequence], 1 for tokens
    and 0 for padding on the right; past_key_values.{i}.key|value float32 [batch, key heads, past,
    head size]
    -> logits float32 [batch, 1, vocabulary], those of the last token that is not padding;
    present.{i}.key|value

One layer of a Llama (Touvron et al. 2023, arXiv:2302.13971); other families differ in the fields of
their row in `families/decoders.py`:

    x -> norm -> MatMul(qkv) -> GroupQueryAttention(rotary inside) -> MatMul(output) -> Add(x)
      -> norm -> MatMul(ffn.in) -> Split -> QuickGelu(gate) * up -> MatMul(ffn.out) -> Add

Neither a norm fused with its residual (SkipSimplifiedLayerNormalization) nor gate and up apart is
faster: within a percent, and a tenth slower a token. Only the last token meets the head: over a
prompt of 128 tokens SmolLM2's head alone would be a fifth of all work. `graph.with_all_logits`
makes the graph that answers for every token, which measuring quality needs. A head that is the word
embedding reads the embedding's own tensor.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper
from transformers import PreTrainedConfig, PreTrainedModel

from paretoscope.graphs.graph import EMBEDDING, HEAD, LAST, MICROSOFT, Graph
from paretoscope.models.decoder.anatomy import (
    DecoderAnatomy,
    DecoderLayer,
    decoder_anatomy,
    heads_of,
)
from paretoscope.models.decoder.support import (
    ACTIVATIONS,
    activation,
    check_supported,
    context_length,
)
from paretoscope.models.modules.access import bias_of, is_tied, weight_of


@dataclass(frozen=True)
class Builder:
    """The graph in the making and what every part of it looks up."""

    graph: Graph
    model: PreTrainedModel
    parts: DecoderAnatomy

    @property
    def config(self) -> PreTrainedConfig:
        return self.model.config


def assemble_decoder(model: PreTrainedModel) -> onnx.ModelProto:
    """The graph of `model` as it is, fewer or smaller layers included; raises `ModelError` for a
    configuration that has no plan here.
    """
    check_supported(model.config)
    parts = decoder_anatomy(model)
    make = Builder(Graph(), model, parts)
    start, lengths = _places(make.graph)
    x = _embedded(make, start)
    tables = _rotations(make)
    caches: list[tuple[int, int]] = []
    for index, layer in enumerate(parts.layers):
        x, key_heads = _layer(make, f"layer.{index}", index, x, layer, lengths, tables)
        caches.append((key_heads, layer.head_size))
    x = _normed(make, "final", x, parts.final_norm)
    last = make.graph.node(
        "Sub",
        [
            make.graph.node("Sub", [lengths[0], start], "last.place"),
            make.graph.constant("one", np.array([1])),
        ],
        "last",
    )
    chosen = make.graph.node(
        "Unsqueeze", [last, make.graph.constant("last.axes", np.array([1, 2]))], "last.index"
    )
    x = make.graph.node("GatherND", [x, chosen], LAST, batch_dims=1)
    _head(make, x)
    vocabulary = len(weight_of(model, parts.head))
    return make.graph.model("decoder", *_ends(caches, vocabulary))


def _ends(
    caches: list[tuple[int, int]], vocabulary: int
) -> tuple[list[onnx.ValueInfoProto], list[onnx.ValueInfoProto]]:
    """Inputs and outputs, one cache of (key heads, head size) a layer."""

    def cache(kind: str, tokens: str) -> Iterator[onnx.ValueInfoProto]:
        for index, (heads, size) in enumerate(caches):
            for part in ("key", "value"):
                yield helper.make_tensor_value_info(
                    f"{kind}.{index}.{part}", TensorProto.FLOAT, ["batch", heads, tokens, size]
                )

    ids = helper.make_tensor_value_info("input_ids", TensorProto.INT64, ["batch", "sequence"])
    mask = helper.make_tensor_value_info("attention_mask", TensorProto.INT64, ["batch", "total"])
    logits = helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["batch", 1, vocabulary])
    return [ids, mask, *cache("past_key_values", "past")], [logits, *cache("present", "total")]


def _places(graph: Graph) -> tuple[str, tuple[str, str, str]]:
    """The place of each row's first new token [batch], and its length with the new tokens, that
    less one in int32 [batch], and the longest (int32 scalar).

    Padding is on the right, so a row of a prompt starts at 0 and its length is what its mask
    counts; a single new token stands at the row's own length, whatever the padding before it.
    """
    lengths = graph.node(
        "ReduceSum",
        ["attention_mask", graph.constant("mask.axis", np.array([1]))],
        "lengths",
        keepdims=0,
    )
    before = graph.node("Sub", [lengths, graph.constant("one", np.array([1]))], "lengths.before")
    before = graph.node("Cast", [before], "lengths.before.int32", to=TensorProto.INT32)
    total = graph.node("Shape", ["attention_mask"], "total", start=1, end=2)
    total = graph.node(
        "Squeeze", [graph.node("Cast", [total], "total.cast", to=TensorProto.INT32)], "total.int32"
    )
    new = graph.node("Shape", ["input_ids"], "sequence", start=1, end=2)
    past = graph.node("Sub", [lengths, new], "lengths.past")
    start = graph.node("Max", [past, graph.constant("zero", np.array([0]))], "start")
    return start, (lengths, before, total)


def _embedded(make: Builder, start: str) -> str:
    """Words, with learned positions where the family has them: [batch, sequence, hidden]."""
    graph, parts = make.graph, make.parts
    x = graph.node(
        "Gather",
        [graph.constant(EMBEDDING, weight_of_table(make.model, parts.embeddings)), "input_ids"],
        "embedding",
    )
    if parts.family.scaled_embeddings:
        x = graph.node(
            "Mul",
            [
                x,
                graph.constant(
                    "embedding.scale", np.array(make.config.hidden_size**0.5, dtype=np.float32)
                ),
            ],
            "embedding.scaled",
        )
    if parts.positions is not None:
        table = graph.constant("embedding.position", weight_of_table(make.model, parts.positions))
        zero, one = (
            graph.constant("zero.scalar", np.array(0)),
            graph.constant("one.scalar", np.array(1)),
        )
        steps = graph.node(
            "Range", [zero, graph.node("Squeeze", ["sequence"], "sequence.scalar"), one], "steps"
        )
        first = graph.node(
            "Unsqueeze", [start, graph.constant("start.axis", np.array([1]))], "start.column"
        )
        found = graph.node(
            "Gather", [table, graph.node("Add", [first, steps], "places")], "positions"
        )
        x = graph.node("Add", [x, found], "embedding.sum")
    return x


def weight_of_table(model: PreTrainedModel, name: str) -> np.ndarray:
    """float32 [entries, width] of an embedding."""
    return model.get_submodule(name).get_parameter("weight").detach().numpy()


def _rotations(make: Builder) -> list[str]:
    """Cosines and sines [positions, rotated / 2] of every position; none for learned positions."""
    rotary = getattr(make.model.base_model, "rotary_emb", None)
    if rotary is None:
        return []
    angles = torch.arange(context_length(make.config)).float()[:, None] * rotary.inv_freq.float()
    return [
        make.graph.constant(f"rotary.{name}", (part * rotary.attention_scaling).numpy())
        for name, part in (("cos", angles.cos()), ("sin", angles.sin()))
    ]


def _layer(
    make: Builder,
    name: str,
    index: int,
    x: str,
    layer: DecoderLayer,
    lengths: tuple[str, str, str],
    tables: list[str],
) -> tuple[str, int]:
    """One layer; `x` and the first result are [batch, sequence, hidden], the second is its number
    of key heads.
    """
    graph = make.graph
    normed = _normed(make, f"{name}.attention", x, layer.attention_norm)
    attended, key_heads = _attended(make, name, index, normed, layer, lengths, tables)
    out = _linear(make, f"{name}.output", attended, (layer.output,))
    if layer.ffn_norm is None:
        both = graph.node("Add", [out, _feed_forward(make, name, normed, layer)], f"{name}.both")
        return graph.node("Add", [both, x], f"{name}.sum"), key_heads
    x = graph.node("Add", [out, x], f"{name}.output.sum")
    normed = _normed(make, f"{name}.ffn", x, layer.ffn_norm)
    return (
        graph.node("Add", [_feed_forward(make, name, normed, layer), x], f"{name}.ffn.out.sum"),
        key_heads,
    )


def _attended(
    make: Builder,
    name: str,
    index: int,
    x: str,
    layer: DecoderLayer,
    lengths: tuple[str, str, str],
    tables: list[str],
) -> tuple[str, int]:
    graph, config = make.graph, make.config
    heads, key_heads = heads_of(make.model, layer)
    packed = _linear(make, f"{name}.qkv", x, layer.projections)
    inputs = [packed, "", ""]
    if layer.head_norms:
        widths = [heads * layer.head_size, key_heads * layer.head_size, key_heads * layer.head_size]
        inputs = graph.split(packed, widths, [f"{name}.q", f"{name}.k", f"{name}.v"])
        for place, norm in enumerate(layer.head_norms):
            inputs[place] = _head_normed(make, inputs[place], norm, layer.head_size)
    inputs += [
        f"past_key_values.{index}.key",
        f"past_key_values.{index}.value",
        *lengths[1:],
        *tables,
    ]
    changed: dict[str, Any] = {} if getattr(config, "scale_attn_weights", True) else {"scale": 1.0}
    if (window := _window(config, index)) is not None:
        changed["local_window_size"] = window
    attended = graph.node(
        "GroupQueryAttention",
        inputs,
        f"{name}.attended",
        also=(f"present.{index}.key", f"present.{index}.value"),
        domain=MICROSOFT,
        num_heads=heads,
        kv_num_heads=key_heads,
        do_rotary=int(bool(tables)),
        **changed,
    )
    return attended, key_heads


def _window(config: PreTrainedConfig, index: int) -> int | None:
    """How many tokens a layer looks back, itself included; None for all."""
    window = getattr(config, "sliding_window", None)
    kinds = getattr(config, "layer_types", None)
    if (
        not window
        or not getattr(config, "use_sliding_window", True)
        or (kinds and kinds[index] != "sliding_attention")
    ):
        return None
    return int(window)


def _head_normed(make: Builder, x: str, norm: str, size: int) -> str:
    """Each head of `x` [batch, sequence, heads * size] normed by itself."""
    graph = make.graph
    apart = graph.node(
        "Reshape", [x, graph.constant("heads.apart", np.array([0, 0, -1, size]))], f"{x}.heads"
    )
    normed = _normed(make, x, apart, norm)
    return graph.node(
        "Reshape", [normed, graph.constant("heads.together", np.array([0, 0, -1]))], f"{x}.together"
    )


def _feed_forward(make: Builder, name: str, x: str, layer: DecoderLayer) -> str:
    graph = make.graph
    inner = _linear(make, f"{name}.ffn.in", x, layer.ffn_in)
    op, attributes = ACTIVATIONS[activation(make.config)]
    if not make.parts.family.gated:
        inner = graph.node(op, [inner], f"{name}.activated", domain=MICROSOFT, **attributes)
    else:
        width = weight_of(make.model, layer.ffn_out).shape[1]
        gate, up = graph.split(inner, [width, width], [f"{name}.gate", f"{name}.up"])
        gate = graph.node(op, [gate], f"{name}.activated", domain=MICROSOFT, **attributes)
        inner = graph.node("Mul", [gate, up], f"{name}.gated")
    return _linear(make, f"{name}.ffn.out", inner, (layer.ffn_out,))


def _linear(make: Builder, name: str, x: str, modules: tuple[str, ...]) -> str:
    """x times the transposes of torch's weights [out, in] side by side, with their biases."""
    graph = make.graph
    weight = np.concatenate([weight_of(make.model, module) for module in modules])
    product = graph.node("MatMul", [x, graph.constant(name, weight.T)], f"{name}.product")
    biases = [bias_of(make.model, module) for module in modules]
    if all(bias is None for bias in biases):
        return product
    rows = [len(weight_of(make.model, module)) for module in modules]
    whole = np.concatenate(
        [
            np.zeros(count, dtype=np.float32) if bias is None else bias
            for bias, count in zip(biases, rows, strict=True)
        ]
    )
    return graph.node("Add", [product, graph.constant(f"{name}.bias", whole)], f"{name}.shifted")


def _normed(make: Builder, name: str, x: str, norm: str) -> str:
    graph, module = make.graph, make.model.get_submodule(norm)
    epsilon = float(getattr(module, "eps", None) or getattr(module, "variance_epsilon", 0.0))
    scale = graph.constant(
        f"{name}.norm.weight",
        module.get_parameter("weight").detach().numpy() + np.float32(make.parts.family.norm_offset),
    )
    if not make.parts.family.layer_norm:
        return graph.node(
            "SimplifiedLayerNormalization", [x, scale], f"{name}.normed", axis=-1, epsilon=epsilon
        )
    shift = graph.constant(f"{name}.norm.bias", module.get_parameter("bias").detach().numpy())
    return graph.node(
        "LayerNormalization", [x, scale, shift], f"{name}.normed", axis=-1, epsilon=epsilon
    )


def _head(make: Builder, x: str) -> None:
    """`x` [batch, tokens, hidden] to "logits"; a tied head reads the embedding [vocabulary, hidden]
    as it lies.
    """
    graph, name = make.graph, f"{HEAD}0"
    bias = bias_of(make.model, make.parts.head)
    output = "logits" if bias is None else f"{name}.product"
    if is_tied(make.model):
        graph.node(
            "FusedMatMul",
            [x, EMBEDDING],
            output,
            name=f"{name}.product",
            domain=MICROSOFT,
            transB=1,
        )
    else:
        weight = graph.constant(name, weight_of(make.model, make.parts.head).T)
        graph.node("MatMul", [x, weight], output, name=f"{name}.product")
    if bias is not None:
        graph.node("Add", [output, graph.constant(f"{name}.bias", bias)], "logits")
