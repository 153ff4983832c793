"""GGUF files of tiny random Llama models, with further metadata and tensors."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import gguf
import numpy as np

HIDDEN, FFN, LAYERS, HEADS, KEY_HEADS, WORDS = 64, 96, 2, 4, 2, 40
ADDED = {bool: "add_bool", int: "add_uint32", float: "add_float32", str: "add_string"}


def write_llama(
    path: Path,
    metadata: Mapping[str, Any] | None = None,
    tensors: Mapping[str, np.ndarray] | None = None,
    family: str = "llama",
) -> Path:
    """Two layers, hidden size 64, heads of 16; the same weights every time."""
    random = np.random.default_rng(0)
    writer = gguf.GGUFWriter(path, family)
    writer.add_context_length(128)
    writer.add_embedding_length(HIDDEN)
    writer.add_block_count(LAYERS)
    writer.add_feed_forward_length(FFN)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(KEY_HEADS)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_freq_base(10000.0)
    writer.add_rope_dimension_count(HIDDEN // HEADS)
    writer.add_vocab_size(WORDS)
    writer.add_token_list([f"w{number}" for number in range(WORDS)])
    for key, value in (metadata or {}).items():
        add = writer.add_array if isinstance(value, list) else getattr(writer, ADDED[type(value)])
        add(key, value)
    stored = {name: random.normal(size=shape) * 0.2 for name, shape in _shapes().items()}
    for name, values in (stored | dict(tensors or {})).items():
        writer.add_tensor(name, values.astype(np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def _shapes() -> dict[str, tuple[int, ...]]:
    keys = HIDDEN // HEADS * KEY_HEADS
    layer = {
        "attn_norm": (HIDDEN,),
        "ffn_norm": (HIDDEN,),
        "attn_q": (HIDDEN, HIDDEN),
        "attn_k": (keys, HIDDEN),
        "attn_v": (keys, HIDDEN),
        "attn_output": (HIDDEN, HIDDEN),
        "ffn_gate": (FFN, HIDDEN),
        "ffn_up": (FFN, HIDDEN),
        "ffn_down": (HIDDEN, FFN),
    }
    layers = {
        f"blk.{index}.{name}.weight": shape
        for index in range(LAYERS)
        for name, shape in layer.items()
    }
    return {"token_embd.weight": (WORDS, HIDDEN), "output_norm.weight": (HIDDEN,), **layers}
