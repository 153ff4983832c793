"""The calibration texts that a graph runs on: whole texts of a classifier, starts of a decoder's.

A document may have thousands of tokens, whose activations would not fit into memory together. A
second moment is known well from some ten thousand tokens, best from many documents.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import onnx

from paretoscope.graphs.graph import is_decoder_graph

LENGTH = 256
"""Tokens of a document that are used."""
TOKENS = 16_384
"""Tokens of all documents together."""


def calibration_texts(
    model: onnx.ModelProto, texts: Sequence[np.ndarray], tokens: int = TOKENS
) -> list[np.ndarray]:
    """The texts [tokens] that the graph runs on; a decoder's stop at `tokens` tokens in total."""
    if not is_decoder_graph(model):
        return list(texts)
    beginnings = [ids[:LENGTH] for ids in texts]
    ends = np.cumsum([len(ids) for ids in beginnings])
    return beginnings[: int(np.searchsorted(ends, tokens)) + 1]
