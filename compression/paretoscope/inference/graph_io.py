"""Inputs and outputs of an exported graph: names, shapes, and the feeds of a text.

Export, quantization, measuring and generation all take the names from this file. It loads no model
and no runtime.

    input_ids int64 [batch, sequence], attention_mask int64 [batch, past + sequence],
    past_key_values.{i}.key|value [batch, key heads, past, head size] -> logits,
    present.{i}.key|value
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

PAST, PRESENT = "past_key_values.", "present."
MODEL, DATA, SCORE = "model.onnx", "model.onnx.data", "score.onnx"
"""The graph that generates, its tensors, and a graph on the same tensors that gives the logits of
every token.
"""
GENAI = "genai_config.json"
"""The configuration file of onnxruntime-genai; a folder that has it holds a decoder."""

CACHE_TYPES = {"tensor(float)": np.float32, "tensor(int8)": np.int8}


def present_of(past: str) -> str:
    """
    >>> present_of("past_key_values.3.key")
    'present.3.key'
    """
    return PRESENT + past.removeprefix(PAST)


def feeds(
    inputs: Iterable[Any], ids: NDArray[Any], mask: NDArray[Any] | None = None
) -> dict[str, NDArray[Any]]:
    """The feeds of a graph for token ids [batch, length] with an empty cache.

    `inputs` are those of an ONNX Runtime session (`get_inputs()`) or anything with `name`, `type`
    and `shape`; a classifier's graph has no cache. Without a mask no token is padding.
    """
    given = {"input_ids": ids, "attention_mask": np.ones_like(ids) if mask is None else mask}
    return given | {entry.name: empty(entry, len(ids)) for entry in inputs if is_past(entry)}


def empty(entry: Any, batch: int, length: int = 0) -> NDArray[Any]:
    """Zeros in the shape of one cache input [batch, key heads, length, head size]."""
    shape = (batch, int(entry.shape[1]), length, int(entry.shape[3]))
    return np.zeros(shape, dtype=CACHE_TYPES[entry.type])


def cache_bytes(inputs: Sequence[Any], tokens: int, batch: int = 1) -> int:
    """Bytes of the keys and values of this many tokens."""
    return sum(
        np.dtype(CACHE_TYPES[entry.type]).itemsize
        * (batch * int(entry.shape[1]) * tokens * int(entry.shape[3]))
        for entry in inputs
        if is_past(entry)
    )


def is_past(entry: Any) -> bool:
    return str(entry.name).startswith(PAST)
