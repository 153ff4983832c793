"""What goes into a decoder's graph and what comes out of it: names, shapes, and the feeds of a
text.

Export, quantization, measuring and generating all speak to the graph through this file, so none of
them knows the names twice. It loads no model and no runtime.

    input_ids int64 [batch, sequence], attention_mask int64 [batch, past + sequence],
    past_key_values.{i}.key|value [batch, key heads, past, head size] -> logits,
    present.{i}.key|value
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

PAST, PRESENT = "past_key_values.", "present."
MODEL, DATA, SCORE = "model.onnx", "model.onnx.data", "score.onnx"
"""The graph that generates, its tensors, and the graph on the same tensors with logits of every
token.
"""
GENAI = "genai_config.json"
"""What onnxruntime-genai reads; a folder that has it holds a decoder."""

CACHE_TYPES = {"tensor(float)": np.float32, "tensor(int8)": np.int8}


def present_of(past: str) -> str:
    """
    >>> present_of("past_key_values.3.key")
    'present.3.key'
    """
    return PRESENT + past.removeprefix(PAST)


def feeds(
    inputs: Iterable[Any], ids: np.ndarray, mask: np.ndarray | None = None
) -> dict[str, np.ndarray]:
    """What a graph takes for token ids [batch, length] that nothing precedes; without a mask
    nothing is padding.

    `inputs` are those of an ONNX Runtime session (`get_inputs()`) or anything with `name`, `type`
    and `shape`. A classifier's graph has no past, so it takes the two that every graph takes.
    """
    given = {"input_ids": ids, "attention_mask": np.ones_like(ids) if mask is None else mask}
    return given | {
        entry.name: empty(entry, len(ids)) for entry in inputs if entry.name.startswith(PAST)
    }


def empty(entry: Any, batch: int, length: int = 0) -> np.ndarray:
    """Zeros in the shape of one past [batch, key heads, length, head size]."""
    return np.zeros(
        (batch, int(entry.shape[1]), length, int(entry.shape[3])), dtype=CACHE_TYPES[entry.type]
    )


def cache_bytes(inputs: Sequence[Any], tokens: int, batch: int = 1) -> int:
    """Bytes that the keys and values of so many tokens take."""
    return sum(
        empty(entry, batch).dtype.itemsize
        * batch
        * int(entry.shape[1])
        * tokens
        * int(entry.shape[3])
        for entry in inputs
        if is_past(entry)
    )


def is_past(entry: Any) -> bool:
    return str(entry.name).startswith(PAST)
