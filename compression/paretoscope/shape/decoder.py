"""The shape of a language model, read from its config and the headers of its weights, or from the
header of a GGUF file.

As for classifiers (`shape/encoder.py`), no weight is loaded and no torch imported. Shapes of
tensors are the truth; the config says how they are cut into heads and how long a text may be. How
many bytes come out of it is `shape/decoder_bytes.py`'s.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

from paretoscope.errors import ModelError
from paretoscope.shape.config import read_config, stored_shapes, tokenizer_bytes
from paretoscope.shape.shape import ModelShape
from paretoscope.sources.folder import DECODER_FAMILIES
from paretoscope.sources.gguf import read_header, tensor_shapes
from paretoscope.sources.ref import ModelRef

TIED = ("gemma", "gpt2")
"""Families whose head is the word embedding where the config does not say."""
ROTATED_SHARE = {"phi": 0.5}
"""Share of a head that is rotated where the config does not say; else all of it."""

_LAYER = re.compile(r"(?:^|\.)(?:layers|h|blk)\.(\d+)\.(.+)\.(weight|bias)$")
_PARTS = {
    "query": ("self_attn.q_proj", "attn_q"),
    "key": ("self_attn.k_proj", "attn_k"),
    "stacked": ("self_attn.qkv_proj", "attn.c_attn", "attn_qkv"),
    "output": ("self_attn.o_proj", "self_attn.dense", "attn.c_proj", "attn_output"),
    "gate": ("mlp.gate_proj", "ffn_gate"),
    "ffn.in": ("mlp.gate_up_proj", "mlp.up_proj", "mlp.fc1", "mlp.c_fc", "ffn_up"),
    "ffn.out": ("mlp.down_proj", "mlp.fc2", "mlp.c_proj", "ffn_down"),
}
"""Names of a layer's matrices in the families that have a graph, and in GGUF."""
_TABLES = ("embed_tokens.weight", "wte.weight", "token_embd.weight")
_HEADS = ("lm_head", "output")


@dataclass(frozen=True, kw_only=True)
class DecoderShape(ModelShape):
    """A language model in numbers: `heads` query heads read `key_heads` key heads, and both are cut
    together. `positions` are learned ones; `rotations` the numbers of the tables of cosines and
    sines. There are no classes."""

    key_heads: int
    tied: bool
    """Whether the head is the word embedding."""
    rotations: int
    biases: frozenset[str]
    """Those of "qkv", "output", "ffn.in", "ffn.out" and "head" that are shifted."""

    @property
    def gated(self) -> bool:
        return self.family not in ("phi", "gpt2")

    @property
    def layer_norm(self) -> bool:
        """Whether norms have a shift beside their scale."""
        return self.family in ("phi", "gpt2")

    @property
    def norms(self) -> int:
        """Norms of the hidden state in a layer: one where attention and feed-forward read the same."""
        return 1 if self.family == "phi" else 2

    @property
    def head_norms(self) -> bool:
        """Whether query and key heads are normed before they are rotated."""
        return self.family == "qwen3"

    @property
    def scaled(self) -> bool:
        """Whether words are multiplied by a constant."""
        return self.family == "gemma"

    @property
    def qkv(self) -> int:
        """Outputs of query, key and value together."""
        return (self.heads + 2 * self.key_heads) * self.head_size

    @property
    def encoder_parameters(self) -> int:
        return (
            self.layers
            * self.hidden
            * (self.qkv + self.heads * self.head_size + (3 if self.gated else 2) * self.ffn)
        )

    @property
    def head_groups(self) -> int:
        return self.key_heads

    def with_head_groups(self, count: int) -> Self:
        return replace(self, key_heads=count, heads=count * self.heads // self.key_heads)


def decoder_shape(model: ModelRef | str | Path) -> DecoderShape:
    """The facts of a resolved language model, or of a folder; raises `ModelError` when they cannot
    be read or layers differ.
    """
    path = Path(model.path or model.name) if isinstance(model, ModelRef) else Path(model)
    name = model.name if isinstance(model, ModelRef) else str(model)
    return _from_gguf(name, path) if path.suffix.lower() == ".gguf" else _from_folder(name, path)


def _from_folder(name: str, folder: Path) -> DecoderShape:
    config = read_config(folder)
    family = str(config.get("model_type"))
    hidden = _number(config, "hidden_size", "n_embd")
    heads = _number(config, "num_attention_heads", "n_head")
    rope: Mapping[str, Any] = config.get("rope_parameters") or config.get("rope_scaling") or {}
    context = _number(config, "max_position_embeddings", "n_positions")
    if "longrope" in (rope.get("rope_type"), rope.get("type")):
        context = int(
            rope.get("original_max_position_embeddings")
            or config.get("original_max_position_embeddings")
            or context
        )
    head_size = int(config.get("head_dim") or (hidden // heads if heads else 0))
    share = rope.get(
        "partial_rotary_factor", config.get("partial_rotary_factor", ROTATED_SHARE.get(family, 1.0))
    )
    return _facts(
        name,
        family,
        stored_shapes(folder),
        head_size=head_size,
        context=context,
        rotated=int(head_size * share),
        tied=bool(config.get("tie_word_embeddings", family in TIED)),
        tokenizer=tokenizer_bytes(folder / "tokenizer.json"),
        folder=folder,
    )


def _from_gguf(name: str, path: Path) -> DecoderShape:
    header = read_header(path)
    family = str(header.get("general.architecture"))
    of = {key.removeprefix(f"{family}."): value for key, value in header.items()}
    heads = _number(of, "attention.head_count")
    head_size = _number(of, "attention.key_length") or (
        _number(of, "embedding_length") // heads if heads else 0
    )
    shapes = tensor_shapes(path)
    tied = "output.weight" not in shapes
    rotated = int(head_size * ROTATED_SHARE.get(family, 1.0))
    context = _number(of, "context_length")
    return _facts(
        name,
        family,
        shapes,
        head_size=head_size,
        context=context,
        rotated=rotated,
        tied=tied,
        tokenizer=None,
        folder=None,
    )


def _facts(
    name: str,
    family: str,
    shapes: Mapping[str, tuple[int, ...]],
    *,
    head_size: int,
    context: int,
    rotated: int,
    tied: bool,
    tokenizer: int | None,
    folder: Path | None,
) -> DecoderShape:
    if family not in DECODER_FAMILIES:
        raise ModelError(
            f'The size of a compressed "{family}" model is not known beforehand; it is for'
            f" {', '.join(DECODER_FAMILIES)}. Measure it."
        )
    layers, biases = _layers(shapes, transposed=family == "gpt2" and folder is not None)
    table = next((shape for key, shape in shapes.items() if key.endswith(_TABLES)), None)
    if (
        table is None
        or not layers
        or not head_size
        or not context
        or any(layer != layers[0] for layer in layers)
    ):
        where = folder or name
        raise ModelError(
            f'The layers in "{where}" are missing or differ in their widths, so the size of a'
            " compressed model is not known beforehand."
        )
    parts = layers[0]
    heads = parts["output"][1] // head_size
    key_heads = (
        parts["key"][0] // head_size
        if "key" in parts
        else (parts["stacked"][0] // head_size - heads) // 2
    )
    shifted = {
        "qkv" if part in ("query", "key", "stacked") else "ffn.in" if part == "gate" else part
        for part in biases
    }
    shifted |= {"head"} if any(f"{head}.bias" in shapes for head in _HEADS) else set()
    return DecoderShape(
        name=name,
        family=family,
        layers=len(layers),
        hidden=table[1],
        heads=heads,
        head_size=head_size,
        ffn=parts["ffn.out"][1],
        vocabulary=table[0],
        embedding=table[1],
        positions=context if family == "gpt2" else 0,
        classes=0,
        tokenizer_bytes=tokenizer,
        shapes=shapes,
        folder=folder,
        key_heads=key_heads,
        tied=tied,
        rotations=0 if family == "gpt2" else context * rotated,
        biases=frozenset(shifted),
    )


def _layers(
    shapes: Mapping[str, tuple[int, ...]], *, transposed: bool
) -> tuple[list[dict[str, tuple[int, ...]]], set[str]]:
    """The matrices [outputs, inputs] of every layer by part, and which parts have biases."""
    found: dict[int, dict[str, tuple[int, ...]]] = {}
    biases: set[str] = set()
    for key, shape in shapes.items():
        match = _LAYER.search(key)
        part = next((part for part, names in _PARTS.items() if match and match[2] in names), None)
        if match is None or part is None:
            continue
        if match[3] == "bias":
            biases.add(part)
        else:
            found.setdefault(int(match[1]), {})[part] = shape[::-1] if transposed else shape
    whole = [
        layer
        for _, layer in sorted(found.items())
        if {"output", "ffn.in", "ffn.out"} <= layer.keys() and {"key", "stacked"} & layer.keys()
    ]
    return whole, biases


def _number(given: Mapping[str, Any], *names: str) -> int:
    return next((int(given[name]) for name in names if given.get(name)), 0)
