"""From a torch decoder to an ONNX graph that continues texts as torch does: prompts, cached steps,
padded batches.

The check runs the graph as it will be run: a prompt, then tokens one by one with the cache handed
on.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import onnxruntime
import torch
from transformers import PreTrainedModel

from paretoscope.graphs.graph import with_all_logits
from paretoscope.graphs.sessions import workbench
from paretoscope.inference.graph_io import PAST, feeds, present_of
from paretoscope.models.decoder.support import context_length

STEPS = 4
"""Tokens that are decoded one by one in the check."""


def decoder_difference_from_torch(graph: onnx.ModelProto, model: PreTrainedModel) -> float:
    """Largest difference of a logit, relative to the largest logit or 1.

    Over every token of a prompt, a prompt and then single tokens with the cache, and a batch of
    which one row is padded on the right and goes on from its own length.
    """
    length = min(24, context_length(model.config) - STEPS)
    generator = np.random.default_rng(0)
    ids = generator.integers(
        min(5, model.config.vocab_size - 1),
        model.config.vocab_size,
        size=(2, length + STEPS),
        dtype=np.int64,
    )
    with workbench(graph) as bench:
        whole = bench.session(with_all_logits(bench.graph))
        everywhere = np.asarray(whole.run(["logits"], feeds(whole.get_inputs(), ids[:1]))[0])[0]
        del whole
        return max(
            _relative(everywhere, _expected(model, ids[:1])),
            _stepwise(bench.session(bench.graph), model, ids, length),
        )


def _stepwise(
    session: onnxruntime.InferenceSession, model: PreTrainedModel, ids: np.ndarray, length: int
) -> float:
    """The batch `ids` [2, length + steps]: a prompt of `length`, of the second row only half, then
    the rest token by token.
    """
    expected = [_expected(model, ids[:1]), _expected(model, _spliced(ids, length))]
    mask = np.ones((2, length), dtype=np.int64)
    mask[1, length // 2 :] = 0
    names = [output.name for output in session.get_outputs()]
    given = feeds(session.get_inputs(), ids[:, :length], mask)
    worst = 0.0
    for step in range(STEPS + 1):
        got: dict[str, Any] = dict(zip(names, session.run(names, given), strict=True))
        rows = (expected[0][length - 1 + step], expected[1][length // 2 - 1 + step])
        worst = max(
            worst, *(_relative(got["logits"][row, 0], wanted) for row, wanted in enumerate(rows))
        )
        mask = np.concatenate([mask, np.ones((2, 1), dtype=np.int64)], axis=1)
        past = {name: got[present_of(name)] for name in given if name.startswith(PAST)}
        given = {
            "input_ids": ids[:, length + step : length + step + 1],
            "attention_mask": mask,
            **past,
        }
    return worst


def _spliced(ids: np.ndarray, length: int) -> np.ndarray:
    """The second row as the graph sees it: its first half, then the tokens that are decoded."""
    return np.concatenate([ids[1:, : length // 2], ids[1:, length:]], axis=1)


def _expected(model: PreTrainedModel, ids: np.ndarray) -> np.ndarray:
    """Logits [tokens, vocabulary] of one text."""
    with torch.inference_mode():
        return model(input_ids=torch.from_numpy(ids), use_cache=False).logits[0].numpy()


def _relative(got: Any, expected: np.ndarray) -> float:
    return float(np.abs(np.asarray(got) - expected).max() / max(1.0, float(np.abs(expected).max())))
