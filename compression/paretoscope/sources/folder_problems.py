"""What in a config or in the headers of the weights would make another model than the stored one.

Each function returns sentences; a folder with several problems gets all of them. What only the
loaded model tells is in `models/stored_weights.py`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, cast

from paretoscope.families.encoders import ENCODERS, positions_after_padding
from paretoscope.sources.files import WEIGHTS, StoredTensor, listed

FLOATS = ("F64", "F32", "F16", "BF16")
"""Types of weights that become fp32 without a change of their meaning."""
BUFFERS = re.compile(
    r"(^|\.)(position_ids|token_type_ids|num_batches_tracked)$"
    r"|(^|\.)(attn|attention)\.(masked_)?bias$"
)
"""Counters and masks of older versions of transformers, which are no weights."""
QUANTIZED_CONFIGS = ("quantize_config.json", "quant_config.json", "hf_quant_config.json")
ADAPTER_PARTS = re.compile(
    r"(^|\.)(lora_(A|B|embedding_A|embedding_B|magnitude_vector)|base_layer|ia3_l|hada_w[12]_[ab]"
    r"|lokr_w[12]|oft_(r|s|R)|boft_(R|s)|vera_lambda_[bd]|modules_to_save|adapter_(down|up)"
    r"|base_model\.model)(\.|_|$)"
)
"""Names of tensors of adapters that peft or adapter-hub has not merged."""


def problems(
    folder: Path, config: Mapping[str, Any], tensors: Mapping[str, StoredTensor], *, decoder: bool
) -> list[str]:
    """All problems of a folder, one sentence each."""
    found = [
        *_quantized(folder, config, tensors),
        *_unmerged(folder, tensors),
        *_other_file(folder, config),
    ]
    if not decoder:
        found += _other_task(folder, config)
        found += _other_attention(folder, config)
        found += _padding(folder, config)
    return found


def _quantized(
    folder: Path, config: Mapping[str, Any], tensors: Mapping[str, StoredTensor]
) -> Iterator[str]:
    method = quantization_method(folder, config)
    packed = sorted(
        name
        for name, tensor in tensors.items()
        if tensor.dtype not in FLOATS and not BUFFERS.search(name)
    )
    if method is None and packed:
        method = f"type {tensors[packed[0]].dtype} (tensor {listed(packed, 1)})"
    if method is not None:
        yield f'"{folder}" is quantized already, with {method}; give its fp32 or fp16 weights.'


def quantization_method(folder: Path, config: Mapping[str, Any]) -> str | None:
    """The name of the method by which a checkpoint says that it is quantized."""
    for key in ("quantization_config", "compression_config"):
        if isinstance(config.get(key), dict) and config[key]:
            return _method(cast(dict[str, Any], config[key]), key)
    return next((name for name in QUANTIZED_CONFIGS if (folder / name).is_file()), None)


def _method(settings: Mapping[str, Any], key: str) -> str:
    """
    >>> _method({"load_in_4bit": True}, "quantization_config")
    'bitsandbytes'
    """
    named = settings.get("quant_method") or settings.get("quant_algo")
    if not named and ("load_in_8bit" in settings or "load_in_4bit" in settings):
        return "bitsandbytes"
    return str(named or f"a {key} in its config.json")


def _unmerged(folder: Path, tensors: Mapping[str, StoredTensor]) -> Iterator[str]:
    parts = sorted(name for name in tensors if ADAPTER_PARTS.search(name))
    if parts:
        yield (
            f'"{folder}" stores adapter weights that are not merged ({listed(parts)}); merge them'
            " first (in peft: merge_and_unload, then save_pretrained)."
        )


def _other_file(folder: Path, config: Mapping[str, Any]) -> Iterator[str]:
    name = config.get("transformers_weights")
    if name not in (None, WEIGHTS):
        yield (
            f'"{folder}" names the file of its weights (transformers_weights "{name}" in'
            f" config.json), which is not supported; rename the file to {WEIGHTS}."
        )


def _padding(folder: Path, config: Mapping[str, Any]) -> Iterator[str]:
    """Families that number positions from the padding index need one, below their positions."""
    if not positions_after_padding(str(config.get("model_type"))):
        return
    padding, positions = config.get("pad_token_id", 1), config.get("max_position_embeddings")
    usable = isinstance(padding, int) and padding >= 0
    if not usable or (isinstance(positions, int) and padding + 1 >= positions):
        yield (
            f'"{folder}" numbers its positions from the padding token, but pad_token_id in'
            f" config.json is {json.dumps(padding)} with {positions} positions; copy pad_token_id"
            " from the original config."
        )


def _other_task(folder: Path, config: Mapping[str, Any]) -> Iterator[str]:
    kind = config.get("problem_type")
    names = config.get("id2label")
    outputs = len(cast(dict[str, Any], names)) if names else config.get("num_labels", 2)
    if kind == "multi_label_classification":
        yield (
            f'"{folder}" is a multi-label classifier (problem_type in config.json), which is not'
            " supported: its outputs are independent; give a classifier with one label for each"
            " text."
        )
    elif kind == "regression" or outputs == 1:
        reason = "problem_type in config.json" if kind == "regression" else "it has one output"
        yield (
            f'"{folder}" is a regression model ({reason}), which is not supported; give a'
            " classifier with two or more outputs."
        )


def _other_attention(folder: Path, config: Mapping[str, Any]) -> Iterator[str]:
    positions = str(config.get("position_embedding_type", ""))
    if positions.startswith("relative"):
        yield (
            f'"{folder}" sets position_embedding_type to {positions}, which this version of'
            " transformers does not compute; give a model with absolute positions."
        )
    if config.get("is_decoder") and config.get("model_type") in ENCODERS:
        yield (
            f'"{folder}" sets is_decoder, so that tokens only see earlier ones, which is not'
            f" supported for {config['model_type']}; give a model without it."
        )
