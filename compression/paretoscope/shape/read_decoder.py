"""Reading the shape of a language model from its config and the headers of its weights, or a GGUF.

Shapes of tensors take precedence over the config, which gives head size and context length. No
weight is loaded.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from paretoscope.errors import ModelError
from paretoscope.families.decoders import DECODERS, gguf_family
from paretoscope.families.family import DecoderFamily
from paretoscope.shape.config import read_config, stored_shapes, tokenizer_bytes, uneven_layers
from paretoscope.shape.decoder import DecoderShape
from paretoscope.sources.gguf import read_header, tensor_shapes
from paretoscope.sources.ref import ModelRef


def decoder_shape(model: ModelRef | str | Path) -> DecoderShape:
    """The shape of a resolved language model, or of the one at a path.

    Raises:
        ModelError: unreadable files, an unknown family, or layers of different widths.
    """
    path = Path(model.path or model.name) if isinstance(model, ModelRef) else Path(model)
    name = model.name if isinstance(model, ModelRef) else str(model)
    return _from_gguf(name, path) if path.suffix.lower() == ".gguf" else _from_folder(name, path)


@dataclass(frozen=True)
class _Dimensions:
    """What the shapes of tensors do not tell."""

    head_size: int
    context: int
    rotated: int
    """Numbers of a head that are rotated."""
    tied: bool


def _from_folder(name: str, folder: Path) -> DecoderShape:
    config = read_config(folder)
    family = _family(str(config.get("model_type")))
    hidden = _number(config, "hidden_size", "n_embd")
    heads = _number(config, "num_attention_heads", "n_head")
    rope: Mapping[str, Any] = config.get("rope_parameters") or config.get("rope_scaling") or {}
    head_size = int(config.get("head_dim") or (hidden // heads if heads else 0))
    share = rope.get(
        "partial_rotary_factor", config.get("partial_rotary_factor", family.rotary_share)
    )
    dimensions = _Dimensions(
        head_size=head_size,
        context=_context(config, rope),
        rotated=int(head_size * share),
        tied=bool(config.get("tie_word_embeddings", family.tied)),
    )
    return _shape(name, family, stored_shapes(folder), dimensions, folder)


def _context(config: Mapping[str, Any], rope: Mapping[str, Any]) -> int:
    """Longest context with a graph: of LongRoPE the length before extension."""
    context = _number(config, "max_position_embeddings", "n_positions")
    if "longrope" not in (rope.get("rope_type"), rope.get("type")):
        return context
    original = "original_max_position_embeddings"
    return int(rope.get(original) or config.get(original) or context)


def _from_gguf(name: str, path: Path) -> DecoderShape:
    header = read_header(path)
    architecture = str(header.get("general.architecture"))
    family = gguf_family(architecture) or _family(architecture)
    values = {key.removeprefix(f"{architecture}."): value for key, value in header.items()}
    heads = _number(values, "attention.head_count")
    head_size = _number(values, "attention.key_length") or (
        _number(values, "embedding_length") // heads if heads else 0
    )
    tensors = tensor_shapes(path)
    dimensions = _Dimensions(
        head_size=head_size,
        context=_number(values, "context_length"),
        rotated=int(head_size * family.rotary_share),
        tied="output.weight" not in tensors,
    )
    return _shape(name, family.in_gguf(), tensors, dimensions, None)


def _family(model_type: str) -> DecoderFamily:
    if model_type not in DECODERS:
        raise ModelError(
            f'The size of a compressed "{model_type}" model cannot be computed in advance, only of'
            f" {', '.join(DECODERS)}; measure it instead."
        )
    return DECODERS[model_type]


def _shape(
    name: str,
    family: DecoderFamily,
    tensors: Mapping[str, tuple[int, ...]],
    dimensions: _Dimensions,
    folder: Path | None,
) -> DecoderShape:
    layers, biases = _layers(tensors, family)
    table = _find(tensors, f"{_last(family.embeddings)}.weight")
    complete = bool(layers) and {"qkv", "output", "ffn.in", "ffn.out"} <= layers[0].keys()
    even = all(layer == layers[0] for layer in layers)
    if table is None or not (complete and even and dimensions.head_size and dimensions.context):
        raise uneven_layers(folder or name)
    parts, head_size = layers[0], dimensions.head_size
    heads = parts["output"][1] // head_size
    if f"{_last(family.head)}.bias" in tensors:
        biases.add("head")
    return DecoderShape(
        name=name,
        family=family.model_type,
        layers=len(layers),
        hidden=table[1],
        heads=heads,
        head_size=head_size,
        ffn=parts["ffn.out"][1],
        vocabulary=table[0],
        embedding=table[1],
        positions=dimensions.context if family.positions else 0,
        tokenizer_bytes=None if folder is None else tokenizer_bytes(folder / "tokenizer.json"),
        tensors=tensors,
        folder=folder,
        key_heads=(parts["qkv"][0] // head_size - heads) // 2,
        tied=dimensions.tied,
        rotations=0 if family.positions else dimensions.context * dimensions.rotated,
        biases=frozenset(biases),
    )


def _layers(
    tensors: Mapping[str, tuple[int, ...]], family: DecoderFamily
) -> tuple[list[dict[str, tuple[int, int]]], set[str]]:
    """[outputs, inputs] of the parts of every layer, as in the graph, and parts with biases."""
    parts = {
        **dict.fromkeys(family.projections, "qkv"),
        family.output: "output",
        **dict.fromkeys(family.ffn_in, "ffn.in"),
        family.ffn_out: "ffn.out",
    }
    pattern = re.compile(rf"(?:^|\.){re.escape(_last(family.layers))}\.(\d+)\.(.+)\.(weight|bias)$")
    layers: dict[int, dict[str, tuple[int, int]]] = {}
    biases: set[str] = set()
    for key, shape in tensors.items():
        match = pattern.search(key)
        if match is None or match[2] not in parts:
            continue
        part = parts[match[2]]
        if match[3] == "bias":
            biases.add(part)
            continue
        outputs, inputs = shape[::-1] if family.transposed else shape
        layer = layers.setdefault(int(match[1]), {})
        layer[part] = (layer.get(part, (0, 0))[0] + outputs, inputs)
    return [layer for _, layer in sorted(layers.items())], biases


def _find(tensors: Mapping[str, tuple[int, ...]], end: str) -> tuple[int, ...] | None:
    return next((shape for key, shape in tensors.items() if key.endswith(end)), None)


def _last(path: str) -> str:
    """The last name of a module path: checkpoints may omit the prefix of the model."""
    return path.rpartition(".")[2]


def _number(values: Mapping[str, Any], *names: str) -> int:
    return next((int(values[name]) for name in names if values.get(name)), 0)
