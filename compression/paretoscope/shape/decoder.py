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
from paretoscope.families.decoders import DECODERS, gguf_family
from paretoscope.families.family import DecoderFamily
from paretoscope.shape.config import read_config, stored_shapes, tokenizer_bytes
from paretoscope.shape.shape import ModelShape
from paretoscope.sources.gguf import read_header, tensor_shapes
from paretoscope.sources.ref import ModelRef


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
        return DECODERS[self.family].gated

    @property
    def layer_norm(self) -> bool:
        """Whether norms have a bias in addition to their scale."""
        return DECODERS[self.family].layer_norm

    @property
    def norms(self) -> int:
        """Norms of the hidden state in each layer."""
        return DECODERS[self.family].norms

    @property
    def head_norms(self) -> bool:
        """Whether query and key heads are normalized before they are rotated."""
        return DECODERS[self.family].head_norms is not None

    @property
    def scaled(self) -> bool:
        """Whether token embeddings are multiplied by a constant."""
        return DECODERS[self.family].scaled_embeddings

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
    family = _row(str(config.get("model_type")))
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
        "partial_rotary_factor", config.get("partial_rotary_factor", family.rotary_share)
    )
    return _shape(
        name,
        family,
        stored_shapes(folder),
        head_size=head_size,
        context=context,
        rotated=int(head_size * share),
        tied=bool(config.get("tie_word_embeddings", family.tied)),
        folder=folder,
    )


def _from_gguf(name: str, path: Path) -> DecoderShape:
    header = read_header(path)
    architecture = str(header.get("general.architecture"))
    family = gguf_family(architecture) or _row(architecture)
    values = {key.removeprefix(f"{architecture}."): value for key, value in header.items()}
    heads = _number(values, "attention.head_count")
    head_size = _number(values, "attention.key_length") or (
        _number(values, "embedding_length") // heads if heads else 0
    )
    shapes = tensor_shapes(path)
    return _shape(
        name,
        family.in_gguf(),
        shapes,
        head_size=head_size,
        context=_number(values, "context_length"),
        rotated=int(head_size * family.rotary_share),
        tied="output.weight" not in shapes,
        folder=None,
    )


def _row(model_type: str) -> DecoderFamily:
    if model_type not in DECODERS:
        raise ModelError(
            f'The size of a compressed "{model_type}" model cannot be computed in advance, only of'
            f" {', '.join(DECODERS)}; measure it instead."
        )
    return DECODERS[model_type]


def _shape(
    name: str,
    family: DecoderFamily,
    shapes: Mapping[str, tuple[int, ...]],
    *,
    head_size: int,
    context: int,
    rotated: int,
    tied: bool,
    folder: Path | None,
) -> DecoderShape:
    layers, biases = _layers(shapes, family)
    table = _find(shapes, f"{_last(family.embeddings)}.weight")
    whole = {"qkv", "output", "ffn.in", "ffn.out"} <= layers[0].keys() if layers else False
    if (
        table is None
        or not whole
        or not head_size
        or not context
        or any(layer != layers[0] for layer in layers)
    ):
        raise ModelError(
            f'The layers in "{folder or name}" are missing or differ in their widths, so the size'
            " of a compressed model cannot be computed in advance."
        )
    parts = layers[0]
    heads = parts["output"][1] // head_size
    if f"{_last(family.head)}.bias" in shapes:
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
        positions=context if family.positions else 0,
        classes=0,
        tokenizer_bytes=None if folder is None else tokenizer_bytes(folder / "tokenizer.json"),
        shapes=shapes,
        folder=folder,
        key_heads=(parts["qkv"][0] // head_size - heads) // 2,
        tied=tied,
        rotations=0 if family.positions else context * rotated,
        biases=frozenset(biases),
    )


def _layers(
    shapes: Mapping[str, tuple[int, ...]], family: DecoderFamily
) -> tuple[list[dict[str, tuple[int, int]]], set[str]]:
    """[outputs, inputs] of the matrices of every layer by part, stacked as in the graph, and the
    parts that have biases.
    """
    parts = {
        **dict.fromkeys(family.projections, "qkv"),
        family.output: "output",
        **dict.fromkeys(family.ffn_in, "ffn.in"),
        family.ffn_out: "ffn.out",
    }
    pattern = re.compile(rf"(?:^|\.){re.escape(_last(family.layers))}\.(\d+)\.(.+)\.(weight|bias)$")
    layers: dict[int, dict[str, tuple[int, int]]] = {}
    biases: set[str] = set()
    for key, shape in shapes.items():
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


def _find(shapes: Mapping[str, tuple[int, ...]], end: str) -> tuple[int, ...] | None:
    return next((shape for key, shape in shapes.items() if key.endswith(end)), None)


def _last(path: str) -> str:
    """Last name of a module path: checkpoints may leave out the prefix of the model."""
    return path.rpartition(".")[2]


def _number(given: Mapping[str, Any], *names: str) -> int:
    return next((int(given[name]) for name in names if given.get(name)), 0)
