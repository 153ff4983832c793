"""Bytes of what has to be on a device for a model to answer, counted in a folder that may hold more
than that.
"""

from __future__ import annotations

from pathlib import Path

from paretoscope.artifact.pack import CONFIG, MODEL, OF_DECODERS, TOKENIZER

SHIPPED = (MODEL, TOKENIZER, CONFIG, *OF_DECODERS, "model.xml", "model.bin")
"""Model, tokenizer, config; of a language model also its tensors and what onnxruntime-genai reads;
of OpenVINO the .xml and the .bin.
"""


def shipped_bytes(folder: Path) -> int:
    return sum((folder / name).stat().st_size for name in SHIPPED if (folder / name).exists())
