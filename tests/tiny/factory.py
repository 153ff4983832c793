"""Tiny random models of any family, as full local folders: the one door to `tests/tiny/`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from paretoscope.families.decoders import DECODERS
from tests.tiny.decoders import make_decoder
from tests.tiny.encoders import make_encoder


def make_tiny(family: str, folder: Path, **changes: Any) -> Path:
    """Write `config.json`, `model.safetensors` and `tokenizer.json`, and return the folder.

    `changes` are the options of `make_encoder` (labels, layers) or of `make_decoder` (fields of the
    config). The same arguments give the same weights.
    """
    make = make_decoder if family in DECODERS else make_encoder
    return make(family, folder, **changes)
