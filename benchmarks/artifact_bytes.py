"""Bytes of the files that a model needs to run, in a folder that may hold other files too."""

from __future__ import annotations

from pathlib import Path

from paretoscope.artifact.pack import CONFIG, MODEL, OF_DECODERS, TOKENIZER

REQUIRED = (MODEL, TOKENIZER, CONFIG, *OF_DECODERS, "model.xml", "model.bin")
"""Model, tokenizer and config; a language model's tensors and genai files; OpenVINO's two files."""


def artifact_bytes(folder: Path) -> int:
    return sum((folder / name).stat().st_size for name in REQUIRED if (folder / name).exists())
