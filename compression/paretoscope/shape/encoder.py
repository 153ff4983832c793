"""The shape of a model, read from its config and the headers of its weights, and what a recipe
makes of that shape.

No weight is loaded and no torch imported, so a page can ask at every move of a slider. How many
heads, neurons and layers stay is `stages/`'s; how many bytes come out of it is `shape/bytes.py`'s;
what only language models have is `shape/decoder.py`'s.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from paretoscope.errors import ModelError
from paretoscope.families.encoders import ENCODERS
from paretoscope.shape.config import read_config, stored_shapes, tokenizer_bytes
from paretoscope.shape.shape import ModelShape


def encoder_shape(name: str, folder: Path, classes: int | None) -> ModelShape:
    config = read_config(folder)
    model_type = str(config.get("model_type"))
    family = ENCODERS.get(model_type)
    if family is None:
        raise ModelError(
            f'The size of a compressed "{model_type}" model cannot be computed in advance, only of'
            f" {', '.join(ENCODERS)}; measure it instead."
        )
    shapes = stored_shapes(folder)
    words, table = (
        _ending(shapes, f"{family.word_embeddings}.weight", folder),
        _ending(shapes, f"{family.position_embeddings}.weight", folder),
    )
    queries = _in_layers(shapes, family.query)
    widths = {shape[0] for shape in _in_layers(shapes, family.ffn_in).values()}
    attention = {shape[0] for shape in queries.values()}
    hidden, heads = (
        int(config.get(usual) or config.get(other) or 0)
        for usual, other in (("hidden_size", "dim"), ("num_attention_heads", "n_heads"))
    )
    if len(widths) != 1 or len(attention) != 1 or not hidden or not heads:
        raise ModelError(
            f'The layers in "{folder}" are missing or differ in their widths, so the size of a'
            " compressed model is not known beforehand."
        )
    head_size = hidden // heads
    before = int(config.get("pad_token_id") or 0) + 1 if family.positions_after_padding else 0
    return ModelShape(
        name=name,
        family=model_type,
        layers=len(queries),
        hidden=hidden,
        heads=attention.pop() // head_size,
        head_size=head_size,
        ffn=widths.pop(),
        vocabulary=words[0],
        embedding=words[1],
        positions=table[0] - before,
        classes=classes or len(config.get("id2label") or ()) or int(config.get("num_labels", 2)),
        tokenizer_bytes=tokenizer_bytes(folder / "tokenizer.json"),
        shapes=shapes,
        folder=folder,
    )


def _in_layers(shapes: Mapping[str, tuple[int, ...]], name: str) -> dict[int, tuple[int, ...]]:
    """Shape of the weight of a module in every layer, by the number of the layer."""
    pattern = re.compile(rf"\.(\d+)\.{re.escape(name)}\.weight$")
    return {int(match[1]): shape for key, shape in shapes.items() if (match := pattern.search(key))}


def _ending(shapes: Mapping[str, tuple[int, ...]], end: str, folder: Path) -> tuple[int, ...]:
    for key, shape in shapes.items():
        if key.endswith(end):
            return shape
    raise ModelError(
        f'The weights in "{folder}" have no tensor "...{end}"; give an encoder with absolute'
        " positions."
    )
