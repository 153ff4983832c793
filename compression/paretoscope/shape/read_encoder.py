"""Reading the shape of an encoder classifier from its config and the headers of its weights.

No weight is loaded, so a page can read a shape at every move of a slider.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from paretoscope.errors import ModelError
from paretoscope.families.encoders import ENCODERS
from paretoscope.shape.config import read_config, stored_shapes, tokenizer_bytes, uneven_layers
from paretoscope.shape.encoder import EncoderShape


def encoder_shape(name: str, folder: Path, classes: int | None) -> EncoderShape:
    """The shape of the classifier in `folder`; `classes` overrides the number in its config.

    Raises:
        ModelError: unreadable files, an unknown family, or layers of different widths.
    """
    config = read_config(folder)
    family = ENCODERS.get(model_type := str(config.get("model_type")))
    if family is None:
        raise ModelError(
            f'The size of a compressed "{model_type}" model cannot be computed in advance, only of'
            f" {', '.join(ENCODERS)}; measure it instead."
        )
    tensors = stored_shapes(folder)
    words = _ending(tensors, f"{family.word_embeddings}.weight", folder)
    positions = _ending(tensors, f"{family.position_embeddings}.weight", folder)
    queries = _in_layers(tensors, family.query)
    attention = {shape[0] for shape in queries.values()}
    widths = {shape[0] for shape in _in_layers(tensors, family.ffn_in).values()}
    head_size = _head_size(config)
    if len(widths) != 1 or len(attention) != 1 or not head_size:
        raise uneven_layers(folder)
    unused = int(config.get("pad_token_id", 1)) if family.positions_after_padding else 0
    return EncoderShape(
        name=name,
        family=model_type,
        layers=len(queries),
        hidden=_number(config, "hidden_size", "dim"),
        heads=attention.pop() // head_size,
        head_size=head_size,
        ffn=widths.pop(),
        vocabulary=words[0],
        embedding=words[1],
        positions=positions[0] - unused,
        classes=classes or len(config.get("id2label") or ()) or int(config.get("num_labels", 2)),
        tokenizer_bytes=tokenizer_bytes(folder / "tokenizer.json"),
        tensors=tensors,
        folder=folder,
    )


def _head_size(config: Mapping[str, Any]) -> int:
    hidden = _number(config, "hidden_size", "dim")
    heads = _number(config, "num_attention_heads", "n_heads")
    return hidden // heads if heads else 0


def _number(config: Mapping[str, Any], *names: str) -> int:
    return next((int(config[name]) for name in names if config.get(name)), 0)


def _in_layers(tensors: Mapping[str, tuple[int, ...]], name: str) -> dict[int, tuple[int, ...]]:
    """Shape of the weight of a module in every layer, by the number of the layer."""
    pattern = re.compile(rf"\.(\d+)\.{re.escape(name)}\.weight$")
    return {
        int(match[1]): shape for key, shape in tensors.items() if (match := pattern.search(key))
    }


def _ending(tensors: Mapping[str, tuple[int, ...]], end: str, folder: Path) -> tuple[int, ...]:
    for key, shape in tensors.items():
        if key.endswith(end):
            return shape
    raise ModelError(
        f'The weights in "{folder}" have no tensor "...{end}"; give an encoder with absolute'
        " positions."
    )
