"""Inputs and outputs of a decoder's graph: token positions, embeddings, rotary tables, key-value
cache.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper

from paretoscope.graphs.decoder_parts import Builder
from paretoscope.graphs.graph import EMBEDDING, Graph
from paretoscope.models.decoder.support import context_length
from paretoscope.models.modules.access import parameter


@dataclass(frozen=True)
class Positions:
    """Names of values that locate the new tokens."""

    start: str
    """Position of the first new token of each row: int64 [batch]."""
    lengths: str
    """Tokens of each row, new ones included: int64 [batch]."""
    last: str
    """`lengths` - 1: int32 [batch]."""
    total: str
    """Length of the longest row: int32 scalar."""
    rotary: tuple[str, ...] = ()
    """Cosines and sines [positions, rotated / 2]; empty with learned positions."""


def positions(graph: Graph) -> Positions:
    """Positions from `attention_mask`.

    Padding is on the right, so a row of a prompt starts at 0 and has as many tokens as its mask
    counts. A single new token has the position that follows its own row, whatever the padding.
    """
    axis = graph.constant("mask.axis", np.array([1]))
    lengths = graph.node("ReduceSum", ["attention_mask", axis], "lengths", keepdims=0)
    last = graph.node("Sub", [lengths, graph.constant("one", np.array([1]))], "lengths.before")
    last = graph.node("Cast", [last], "lengths.before.int32", to=TensorProto.INT32)
    total = graph.node("Shape", ["attention_mask"], "total", start=1, end=2)
    total = graph.node("Cast", [total], "total.cast", to=TensorProto.INT32)
    total = graph.node("Squeeze", [total], "total.int32")
    new = graph.node("Shape", ["input_ids"], "sequence", start=1, end=2)
    past = graph.node("Sub", [lengths, new], "lengths.past")
    start = graph.node("Max", [past, graph.constant("zero", np.array([0]))], "start")
    return Positions(start, lengths, last, total)


def embedded(make: Builder, start: str) -> str:
    """Token embeddings plus learned positions, if any: [batch, sequence, hidden]."""
    graph, parts = make.graph, make.parts
    table = graph.constant(EMBEDDING, parameter(make.model, f"{parts.embeddings}.weight"))
    x = graph.node("Gather", [table, "input_ids"], "embedding")
    if parts.family.scaled_embeddings:
        scale = np.array(make.config.hidden_size**0.5, dtype=np.float32)
        x = graph.node("Mul", [x, graph.constant("embedding.scale", scale)], "embedding.scaled")
    if parts.positions is not None:
        weight = parameter(make.model, f"{parts.positions}.weight")
        table = graph.constant("embedding.position", weight)
        indices = _position_indices(graph, start)
        found = graph.node("Gather", [table, indices], "positions")
        x = graph.node("Add", [x, found], "embedding.sum")
    return x


def _position_indices(graph: Graph, start: str) -> str:
    """start [batch] + 0, 1, ...: int64 [batch, sequence]."""
    zero = graph.constant("zero.scalar", np.array(0))
    one = graph.constant("one.scalar", np.array(1))
    length = graph.node("Squeeze", ["sequence"], "sequence.scalar")
    steps = graph.node("Range", [zero, length, one], "steps")
    axis = graph.constant("start.axis", np.array([1]))
    column = graph.node("Unsqueeze", [start, axis], "start.column")
    return graph.node("Add", [column, steps], "places")


def rotary_tables(make: Builder) -> tuple[str, ...]:
    """Cosines and sines [positions, rotated / 2]; none with learned positions."""
    rotary = getattr(make.model.base_model, "rotary_emb", None)
    if rotary is None:
        return ()
    angles = torch.arange(context_length(make.config)).float()[:, None] * rotary.inv_freq.float()
    return tuple(
        make.graph.constant(f"rotary.{name}", (part * rotary.attention_scaling).numpy())
        for name, part in (("cos", angles.cos()), ("sin", angles.sin()))
    )


def inputs_and_outputs(
    caches: Sequence[tuple[int, int]], vocabulary: int
) -> tuple[list[onnx.ValueInfoProto], list[onnx.ValueInfoProto]]:
    """Declarations of all inputs and outputs; `caches` has (key heads, head size) of each layer."""

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
