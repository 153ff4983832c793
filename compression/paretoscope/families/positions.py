"""How many tokens of a text a model reads, by its config."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from paretoscope.families.encoders import positions_after_padding

FIELDS = ("max_position_embeddings", "n_positions", "max_seq_len")
"""Config fields that may hold the number of positions; the first that is set counts."""


def usable_positions(config: Mapping[str, Any]) -> int | None:
    """Number of usable positions; RoBERTa-like models number them from padding index + 1.

    None if the config has no maximum.

    >>> usable_positions({"model_type": "roberta", "max_position_embeddings": 514})
    512
    """
    rotation = cast(
        dict[str, Any], config.get("rope_scaling") or config.get("rope_parameters") or {}
    )
    positions = next((config[field] for field in FIELDS if config.get(field) is not None), None)
    if "longrope" in (rotation.get("rope_type"), rotation.get("type")):
        # The graph supports the length before extension.
        original = "original_max_position_embeddings"
        positions = rotation.get(original) or config.get(original) or positions
    if not isinstance(positions, int) or positions < 1:
        return None
    offset = positions_after_padding(str(config.get("model_type")))
    padding = config.get("pad_token_id", 1) if offset else -1
    # without a padding index transformers cannot load a model that numbers positions from it
    return positions - padding - 1 if isinstance(padding, int) else None
