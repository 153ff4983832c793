"""What in the metadata of a GGUF file changes the computation and is not read.

transformers reads the shape of a model and the base of its rotary positions. Scaled positions are
read in `models/decoder/gguf_rope.py`; a tensor that is not used is found in
`models/stored_weights.py`. The keys: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from paretoscope.sources.files import listed
from paretoscope.sources.gguf import LIST, Value, read_header

SCALING = "rope.scaling."
READ = frozenset(
    {
        "block_count",
        "context_length",
        "embedding_length",
        "feed_forward_length",
        "vocab_size",
        "attention.head_count",
        "attention.head_count_kv",
        "attention.key_length",
        "attention.value_length",
        "attention.layer_norm_epsilon",
        "attention.layer_norm_rms_epsilon",
        "rope.dimension_count",
        "rope.freq_base",
        "rope.scale_linear",
        f"{SCALING}type",
        f"{SCALING}factor",
    }
)
"""Keys after the name of the architecture that are applied."""
WITHOUT_EFFECT = frozenset(
    {"tensor_data_layout", f"{SCALING}finetuned", f"{SCALING}original_context_length"}
)
"""Keys that change nothing for the rotations that are applied."""
NEUTRAL: Mapping[str, Value] = {
    "expert_count": 0,
    "expert_used_count": 0,
    "expert_shared_count": 0,
    "attention.causal": True,
    "attention.scale": 0,
    "attention.clamp_kqv": 0,
    "attention.max_alibi_bias": 0,
    "attention.sliding_window": 0,
    "logit_scale": 1,
    "embedding_scale": 1,
    "residual_scale": 1,
    "attn_logit_softcapping": 0,
    "final_logit_softcapping": 0,
    "use_parallel_residual": False,
    "pooling_type": 0,
    "nextn_predict_layers": 0,
    "leading_dense_block_count": 0,
    f"{SCALING}attn_factor": 1,
    f"{SCALING}yarn_log_multiplier": 0,
}
"""Values at which a key that is not read changes nothing."""


def problems(path: Path) -> list[str]:
    """All problems of the metadata, one sentence each; raises `ModelError` for an invalid file."""
    header = read_header(path)
    prefix = f"{header.get('general.architecture')}."
    values = {
        key.removeprefix(prefix): value for key, value in header.items() if key.startswith(prefix)
    }
    found = [*_scaling(path, prefix, values), *_partial_rotation(path, prefix, values)]
    unread = [f"{prefix}{key}" for key in values if not _has_no_effect(key, values)]
    if unread:
        found.append(
            f'"{path}" sets {listed(sorted(unread))}, which changes what the model computes and is'
            " not supported as GGUF; give the model as a folder with safetensors."
        )
    return found


def _scaling(path: Path, prefix: str, values: Mapping[str, Value]) -> Iterator[str]:
    kind = str(values.get(f"{SCALING}type", "none"))
    if kind not in ("none", "linear"):
        yield (
            f'"{path}" scales its rotary positions by {kind} ({prefix}{SCALING}type), but only'
            " linear scaling is supported as GGUF; give the model as a folder with safetensors."
        )
    for key in (f"{SCALING}factor", "rope.scale_linear"):
        value = values.get(key, 1.0)
        if not isinstance(value, (int, float)) or value < 0:
            yield f'"{path}" has {prefix}{key} {value}, but a positive number is needed.'


def _partial_rotation(path: Path, prefix: str, values: Mapping[str, Value]) -> Iterator[str]:
    """transformers rotates whole heads, whatever the file says."""
    rotated, size = values.get("rope.dimension_count"), values.get("attention.key_length")
    width, heads = values.get("embedding_length"), values.get("attention.head_count")
    if size is None and isinstance(width, int) and isinstance(heads, int) and heads:
        size = width // heads
    if rotated is not None and size is not None and rotated != size:
        yield (
            f'"{path}" rotates {rotated} of the {size} numbers of a head'
            f" ({prefix}rope.dimension_count), which is not supported as GGUF; give the model as a"
            " folder with safetensors."
        )


def _has_no_effect(key: str, values: Mapping[str, Value]) -> bool:
    value = values[key]
    if key in READ or key in WITHOUT_EFFECT:
        return value != LIST
    if key == "attention.sliding_window":  # a window of the whole context is none
        context = values.get("context_length")
        if isinstance(value, int) and isinstance(context, int) and value >= context:
            return True
    if key.startswith(SCALING) and values.get(f"{SCALING}type", "none") not in ("none", "linear"):
        return True  # the sentence about the type covers it
    return key in NEUTRAL and value == NEUTRAL[key]
