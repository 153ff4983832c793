"""What a graph is shown of the calibration split: a classifier its texts as they are, a decoder the
beginnings of its documents.

A document may have thousands of tokens, whose activations would not fit into memory together; and a
second moment is known well from some ten thousand tokens, of which those of many documents say more
than those of a few.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import onnx

from paretoscope.graphs.graph import is_decoder_graph

LENGTH = 256
"""Tokens that are taken of a document."""
TOKENS = 16_384
"""Tokens in all."""


def passages(
    model: onnx.ModelProto, texts: Sequence[np.ndarray], tokens: int = TOKENS
) -> list[np.ndarray]:
    """The texts [tokens] that the graph is run on; of a decoder's at most `tokens` tokens together."""
    if not is_decoder_graph(model):
        return list(texts)
    beginnings = [ids[:LENGTH] for ids in texts]
    ends = np.cumsum([len(ids) for ids in beginnings])
    return beginnings[: int(np.searchsorted(ends, tokens)) + 1]
