"""From a torch decoder to an ONNX graph that continues texts as torch does: prompts, cached steps, padded batches.

The check runs the graph as it will be run: a prompt, then tokens one by one with the cache handed on.
"""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import onnx
import onnxruntime
import torch
from transformers import PreTrainedModel

from paretoscope.inference.graph_io import PAST, feeds, present_of
from paretoscope.models.assemble_decoder import context_length
from paretoscope.models.graph import with_all_logits
from paretoscope.models.runtime import workbench

GENAI_TYPES = {"gpt2": "llama"}
"""Where onnxruntime-genai's type of a name is of another layout: its own gpt2 has one tensor for keys and values."""
STEPS = 4
"""Tokens that are decoded one by one in the check."""


def decoder_difference_from_torch(graph: onnx.ModelProto, model: PreTrainedModel) -> float:
    """Largest difference of a logit, relative to the largest logit or 1.

    Over every token of a prompt, a prompt and then single tokens with the cache, and a batch of which one row is padded on the right
    and goes on from its own length.
    """
    length = min(24, context_length(model.config) - STEPS)
    generator = np.random.default_rng(0)
    ids = generator.integers(min(5, model.config.vocab_size - 1), model.config.vocab_size, size=(2, length + STEPS), dtype=np.int64)
    with workbench(graph) as bench:
        whole = bench.session(with_all_logits(bench.graph))
        everywhere = np.asarray(whole.run(["logits"], feeds(whole.get_inputs(), ids[:1]))[0])[0]
        del whole
        return max(_relative(everywhere, _expected(model, ids[:1])), _stepwise(bench.session(bench.graph), model, ids, length))


def _stepwise(session: onnxruntime.InferenceSession, model: PreTrainedModel, ids: np.ndarray, length: int) -> float:
    """The batch `ids` [2, length + steps]: a prompt of `length`, of the second row only half, then the rest token by token."""
    expected = [_expected(model, ids[:1]), _expected(model, _spliced(ids, length))]
    mask = np.ones((2, length), dtype=np.int64)
    mask[1, length // 2 :] = 0
    names = [output.name for output in session.get_outputs()]
    given = feeds(session.get_inputs(), ids[:, :length], mask)
    worst = 0.0
    for step in range(STEPS + 1):
        got: dict[str, Any] = dict(zip(names, session.run(names, given), strict=True))
        rows = (expected[0][length - 1 + step], expected[1][length // 2 - 1 + step])
        worst = max(worst, *(_relative(got["logits"][row, 0], wanted) for row, wanted in enumerate(rows)))
        mask = np.concatenate([mask, np.ones((2, 1), dtype=np.int64)], axis=1)
        past = {name: got[present_of(name)] for name in given if name.startswith(PAST)}
        given = {"input_ids": ids[:, length + step : length + step + 1], "attention_mask": mask, **past}
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


def genai_config(graph: onnx.ModelProto, model: PreTrainedModel) -> str:
    """genai_config.json, by which onnxruntime-genai runs the graph.

    It knows one number of key heads for all layers, so a model whose layers differ in it runs in plain ONNX Runtime only.
    """
    config, generation = model.config, model.generation_config
    caches = [entry for entry in graph.graph.input if entry.name.startswith(PAST)]
    shape = caches[0].type.tensor_type.shape.dim
    decoder = {
        "session_options": {"log_id": "onnxruntime-genai", "provider_options": []},
        "filename": "model.onnx",
        "head_size": shape[3].dim_value,
        "hidden_size": config.hidden_size,
        "inputs": {
            "input_ids": "input_ids",
            "attention_mask": "attention_mask",
            "past_key_names": "past_key_values.%d.key",
            "past_value_names": "past_key_values.%d.value",
        },
        "outputs": {"logits": "logits", "present_key_names": "present.%d.key", "present_value_names": "present.%d.value"},
        "num_attention_heads": next(
            attribute.i
            for node in graph.graph.node
            for attribute in node.attribute
            if node.op_type == "GroupQueryAttention" and attribute.name == "num_heads"
        ),
        "num_hidden_layers": len(caches) // 2,
        "num_key_value_heads": shape[1].dim_value,
    }
    content = {
        "model": {
            "bos_token_id": _first(config.bos_token_id, 0),
            "context_length": context_length(config),
            "decoder": decoder,
            "eos_token_id": end_tokens(model),
            "pad_token_id": _first(config.pad_token_id, end_tokens(model)[0]),
            "type": GENAI_TYPES.get(str(config.model_type), str(config.model_type)),
            "vocab_size": config.vocab_size,
        },
        "search": {
            "do_sample": False,
            "max_length": context_length(config),
            "min_length": 0,
            "num_beams": 1,
            "num_return_sequences": 1,
            "past_present_share_buffer": True,
            "repetition_penalty": 1.0,
            "temperature": float(getattr(generation, "temperature", None) or 1.0),
            "top_k": int(getattr(generation, "top_k", None) or 50),
            "top_p": float(getattr(generation, "top_p", None) or 1.0),
        },
    }
    return json.dumps(content, indent=1)


def end_tokens(model: PreTrainedModel) -> list[int]:
    """The tokens that end a text: those of the generation config, else of the config, at least one."""
    for source in (model.generation_config, model.config):
        found = getattr(source, "eos_token_id", None)
        if found is not None:
            return [int(token) for token in (found if isinstance(found, list) else [found])]
    return [0]


def _first(value: Any, otherwise: int) -> int:
    value = value[0] if isinstance(value, list) else value
    return otherwise if value is None else int(value)
