"""Comparison of a classifier's graph with torch: short and long texts, special tokens, padding.

A graph may be right for the texts that it was traced with and wrong for others: families number
positions by the ids of a text, switch to another attention above a length, or repeat the batch size
of the trace. The probes contain every such case. Torch answers them before the graph is made,
because tracing may change the model.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx
import torch
from transformers import PreTrainedConfig, PreTrainedModel

from paretoscope.errors import ModelError
from paretoscope.families.positions import usable_positions
from paretoscope.graphs import sessions
from paretoscope.graphs.sessions import run
from paretoscope.models.modules.tensors import from_numpy

LENGTHS = (3, 17, 128)
"""Tokens of the probes; the longest text that the model reads is one more."""
LONGEST, UNKNOWN_LONGEST = 1024, 512
"""Most tokens of the longest probe, and its tokens where the config names no maximum."""
BATCH = 5
"""Texts of the probes in batches; some are padded."""
LEAST_SCALE = 0.01
"""Differences are relative to the largest logit, which counts as at least this."""


@dataclass(frozen=True, eq=False)
class Probe:
    """Token ids and mask [batch, tokens], and torch's logits [batch, classes] for them."""

    ids: np.ndarray
    mask: np.ndarray
    logits: np.ndarray


def difference_from_torch(graph: onnx.ModelProto, model: PreTrainedModel) -> float:
    """Largest difference of a logit over all probes, relative to the largest logit of a probe."""
    return difference(graph, answered(model))


def answered(model: PreTrainedModel) -> list[Probe]:
    """The probes of a model with torch's answers, shortest first.

    Raises `ModelError` if torch cannot answer one.
    """
    return [Probe(ids, mask, _logits(model, ids, mask)) for ids, mask in _inputs(model)]


def difference(graph: onnx.ModelProto, probes: Sequence[Probe]) -> float:
    """As `difference_from_torch`; NaN if a logit is. Raises `ModelError` if the graph fails."""
    session = sessions.session(graph)
    return float(np.max([_difference(session, probe) for probe in probes]))


def _difference(session: Any, probe: Probe) -> float:
    given = {"input_ids": probe.ids, "attention_mask": probe.mask}
    batch, tokens = probe.ids.shape
    try:
        got = run(session, ["logits"], given)[0]
    except Exception as error:  # the runtime raises private exceptions
        raise ModelError(
            f"The exported graph fails for {batch} {'texts' if batch > 1 else 'text'} of"
            f" {tokens} tokens."
        ) from error
    if got.shape != probe.logits.shape:
        raise ModelError(
            f"The exported graph gives logits of the shape {list(got.shape)} for {batch} texts of"
            f" {tokens} tokens, but torch {list(probe.logits.shape)}."
        )
    scale = max(LEAST_SCALE, float(np.abs(probe.logits).max()))
    return float(np.abs(got - probe.logits).max()) / scale


def _logits(model: PreTrainedModel, ids: np.ndarray, mask: np.ndarray) -> np.ndarray:
    try:
        with torch.inference_mode():
            return model(input_ids=from_numpy(ids), attention_mask=from_numpy(mask)).logits.numpy()
    except Exception as error:  # whatever the code of a family raises
        if model.config.pad_token_id is None and len(ids) > 1:
            raise ModelError(
                f"This {model.config.model_type} model has no pad_token_id, so transformers"
                " classifies only one text at a time; add the pad_token_id of its tokenizer to"
                " config.json."
            ) from error
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0][:200].rstrip(".")
        raise ModelError(
            f"transformers cannot classify {len(ids)} x {ids.shape[1]} tokens with this"
            f" {model.config.model_type} model ({reason}); correct its config.json or give another"
            " model."
        ) from error


def _inputs(model: PreTrainedModel) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Token ids and masks [batch, tokens]: for each length one text with special tokens between
    others, and a batch of random texts with the second and fourth padded on the right.
    """
    generator = np.random.default_rng(0)
    words = model.get_input_embeddings()
    vocabulary = len(words.get_parameter("weight"))
    padding = model.config.pad_token_id or 0
    special = _special_ids(model.config, vocabulary)
    longest = usable_positions(model.config.to_dict())
    longest = UNKNOWN_LONGEST if longest is None else min(longest, LONGEST)
    for length in (*(each for each in LENGTHS if each < longest), longest):
        ids = generator.integers(0, vocabulary, size=(1, length), dtype=np.int64)
        ids[0, 1::3] = np.resize(special, len(ids[0, 1::3]))
        yield ids, np.ones_like(ids)
        if length > LENGTHS[-1]:
            continue
        ids = generator.integers(0, vocabulary, size=(BATCH, length), dtype=np.int64)
        mask = np.ones_like(ids)
        mask[1, -(-length // 2) :] = 0
        mask[3, 2:] = 0
        yield np.where(mask == 1, ids, padding), mask


def _special_ids(config: PreTrainedConfig, vocabulary: int) -> list[int]:
    """The padding id, then every other special token that the config names."""
    names = ("pad_token_id", *sorted(config.to_dict()))
    ids = (getattr(config, name, None) for name in names if name.endswith("_token_id"))
    found = [each for each in ids if isinstance(each, int) and 0 <= each < vocabulary]
    return list(dict.fromkeys(found)) or [0]
