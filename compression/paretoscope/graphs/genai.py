"""genai_config.json, the file with which onnxruntime-genai runs a language model."""

from __future__ import annotations

import json
from typing import Any

import onnx
from transformers import PreTrainedModel

from paretoscope.families.decoders import decoder_family
from paretoscope.inference.graph_io import MODEL, PAST
from paretoscope.models.decoder.support import context_length


def genai_config(graph: onnx.ModelProto, model: PreTrainedModel) -> str:
    """The content of genai_config.json for a graph.

    onnxruntime-genai has one number of key heads for all layers, so a model whose layers differ in
    it runs in plain ONNX Runtime only.
    """
    config, ends = model.config, end_tokens(model)
    content = {
        "model": {
            "bos_token_id": _first(config.bos_token_id, 0),
            "context_length": context_length(config),
            "decoder": _decoder(graph, config.hidden_size),
            "eos_token_id": ends,
            "pad_token_id": _first(config.pad_token_id, ends[0]),
            "type": decoder_family(str(config.model_type)).genai,
            "vocab_size": config.vocab_size,
        },
        "search": _search(model),
    }
    return json.dumps(content, indent=1)


def _decoder(graph: onnx.ModelProto, hidden_size: int) -> dict[str, Any]:
    caches = [entry for entry in graph.graph.input if entry.name.startswith(PAST)]
    shape = caches[0].type.tensor_type.shape.dim
    heads = next(
        attribute.i
        for node in graph.graph.node
        for attribute in node.attribute
        if node.op_type == "GroupQueryAttention" and attribute.name == "num_heads"
    )
    return {
        "session_options": {"log_id": "onnxruntime-genai", "provider_options": []},
        "filename": MODEL,
        "head_size": shape[3].dim_value,
        "hidden_size": hidden_size,
        "inputs": {
            "input_ids": "input_ids",
            "attention_mask": "attention_mask",
            "past_key_names": "past_key_values.%d.key",
            "past_value_names": "past_key_values.%d.value",
        },
        "outputs": {
            "logits": "logits",
            "present_key_names": "present.%d.key",
            "present_value_names": "present.%d.value",
        },
        "num_attention_heads": heads,
        "num_hidden_layers": len(caches) // 2,
        "num_key_value_heads": shape[1].dim_value,
    }


def _search(model: PreTrainedModel) -> dict[str, Any]:
    """Greedy decoding; sampling settings are those of the generation config."""
    generation = model.generation_config
    return {
        "do_sample": False,
        "max_length": context_length(model.config),
        "min_length": 0,
        "num_beams": 1,
        "num_return_sequences": 1,
        "past_present_share_buffer": True,
        "repetition_penalty": 1.0,
        "temperature": float(getattr(generation, "temperature", None) or 1.0),
        "top_k": int(getattr(generation, "top_k", None) or 50),
        "top_p": float(getattr(generation, "top_p", None) or 1.0),
    }


def end_tokens(model: PreTrainedModel) -> list[int]:
    """End-of-text tokens of the generation config, else of the config; at least one."""
    for source in (model.generation_config, model.config):
        found: int | list[int] | None = getattr(source, "eos_token_id", None)
        if found is not None:
            return found if isinstance(found, list) else [found]
    return [0]


def _first(value: int | list[int] | None, default: int) -> int:
    first = value[0] if isinstance(value, list) else value
    return default if first is None else first
