"""Comparison of a decoder's graph with torch: prompts, cached steps, padded batches."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import torch
from transformers import PreTrainedModel

from paretoscope.graphs.graph import with_all_logits
from paretoscope.graphs.sessions import run, workbench
from paretoscope.inference.graph_io import PAST, feeds, present_of
from paretoscope.models.decoder.support import context_length
from paretoscope.models.modules.tensors import from_numpy

STEPS = 4
"""Single tokens that are decoded after the prompt."""


def decoder_difference_from_torch(graph: onnx.ModelProto, model: PreTrainedModel) -> float:
    """Largest difference of a logit, relative to the largest logit or 1.

    Compared are every token of a prompt, a prompt followed by single tokens with the cache, and a
    batch with one row that is padded on the right.
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
        whole: Any = bench.session(with_all_logits(bench.graph))
        everywhere = run(whole, ["logits"], feeds(whole.get_inputs(), ids[:1]))[0][0]
        del whole
        return max(
            _relative(everywhere, _expected(model, ids[:1])),
            _stepwise(bench.session(bench.graph), model, ids, length),
        )


def _stepwise(session: Any, model: PreTrainedModel, ids: np.ndarray, length: int) -> float:
    """The batch `ids` [2, length + steps]: a prompt of `length` tokens, half as many in the second
    row, then single tokens.
    """
    expected = [_expected(model, ids[:1]), _expected(model, _spliced(ids, length))]
    mask = np.ones((2, length), dtype=np.int64)
    mask[1, length // 2 :] = 0
    names: list[str] = [output.name for output in session.get_outputs()]
    given = feeds(session.get_inputs(), ids[:, :length], mask)
    worst = 0.0
    for step in range(STEPS + 1):
        got: dict[str, Any] = dict(zip(names, run(session, names, given), strict=True))
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
    """The second row without padding: its first half, then the decoded tokens."""
    return np.concatenate([ids[1:, : length // 2], ids[1:, length:]], axis=1)


def _expected(model: PreTrainedModel, ids: np.ndarray) -> np.ndarray:
    """Logits [tokens, vocabulary] of one text."""
    with torch.inference_mode():
        return model(input_ids=from_numpy(ids), use_cache=False).logits[0].numpy()


def _relative(got: Any, expected: np.ndarray) -> float:
    return float(np.abs(np.asarray(got) - expected).max() / max(1.0, float(np.abs(expected).max())))
