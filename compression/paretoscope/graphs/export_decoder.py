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
LENGTHS, LONGEST = (3, 128), 512
"""Tokens of prompts that are compared token by token, and of one that is compared at its end."""


def decoder_difference_from_torch(graph: onnx.ModelProto, model: PreTrainedModel) -> float:
    """Largest difference of a logit, relative to the largest logit or 1; NaN if a logit is.

    Compared are every token of a prompt, the last token of a long prompt, a prompt followed by
    single tokens with the cache, and a batch with one row that is padded on the right. Prompts
    contain special tokens.
    """
    context = context_length(model.config)
    length = min(24, context - STEPS)
    longest = min(LONGEST, context)
    generator = np.random.default_rng(0)
    shape = (2, max(longest, length + STEPS))
    ids = generator.integers(0, model.config.vocab_size, size=shape, dtype=np.int64)
    special = [model.config.eos_token_id, model.config.pad_token_id, model.config.bos_token_id]
    usable = [each for each in special if isinstance(each, int) and each < model.config.vocab_size]
    ids[0, 1 : 1 + len(usable)] = usable
    with workbench(graph) as bench:
        whole: Any = bench.session(with_all_logits(bench.graph))
        found = [_everywhere(whole, model, ids[:1, : min(each, context)]) for each in LENGTHS]
        del whole
        session: Any = bench.session(bench.graph)
        last = run(session, ["logits"], feeds(session.get_inputs(), ids[:1, :longest]))[0]
        found.append(_relative(last[0], _expected(model, ids[:1, :longest], logits_to_keep=1)))
        found.append(_stepwise(session, model, ids[:, : length + STEPS], length))
        return float(np.max(found))


def _everywhere(session: Any, model: PreTrainedModel, ids: np.ndarray) -> float:
    """The difference of every token of `ids` [1, tokens]."""
    got = run(session, ["logits"], feeds(session.get_inputs(), ids))[0][0]
    return _relative(got, _expected(model, ids))


def _stepwise(session: Any, model: PreTrainedModel, ids: np.ndarray, length: int) -> float:
    """The batch `ids` [2, length + steps]: a prompt of `length` tokens, half as many in the second
    row, then single tokens.
    """
    expected = [_expected(model, ids[:1]), _expected(model, _spliced(ids, length))]
    mask = np.ones((2, length), dtype=np.int64)
    mask[1, length // 2 :] = 0
    names: list[str] = [output.name for output in session.get_outputs()]
    given = feeds(session.get_inputs(), ids[:, :length], mask)
    found: list[float] = []
    for step in range(STEPS + 1):
        got: dict[str, Any] = dict(zip(names, run(session, names, given), strict=True))
        rows = (expected[0][length - 1 + step], expected[1][length // 2 - 1 + step])
        found += [_relative(got["logits"][row, 0], wanted) for row, wanted in enumerate(rows)]
        mask = np.concatenate([mask, np.ones((2, 1), dtype=np.int64)], axis=1)
        past = {name: got[present_of(name)] for name in given if name.startswith(PAST)}
        given = {
            "input_ids": ids[:, length + step : length + step + 1],
            "attention_mask": mask,
            **past,
        }
    return float(np.max(found))


def _spliced(ids: np.ndarray, length: int) -> np.ndarray:
    """The second row without padding: its first half, then the decoded tokens."""
    return np.concatenate([ids[1:, : length // 2], ids[1:, length:]], axis=1)


def _expected(model: PreTrainedModel, ids: np.ndarray, logits_to_keep: int = 0) -> np.ndarray:
    """Logits [tokens, vocabulary] of the last tokens of one text; by default of all."""
    with torch.inference_mode():
        return (
            model(input_ids=from_numpy(ids), use_cache=False, logits_to_keep=logits_to_keep)
            .logits[0]
            .numpy()
        )


def _relative(got: Any, expected: np.ndarray) -> float:
    return float(np.abs(np.asarray(got) - expected).max() / max(1.0, float(np.abs(expected).max())))
