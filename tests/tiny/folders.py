"""Folders that pass all checks of a sequence classifier, without a usable model."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import save_file


def write_model(folder: Path, /, *, weight: float = 1.0, **config: Any) -> Path:
    """A folder with config, tokenizer and one tensor of `weight`; `config` adds to its config."""
    folder.mkdir(parents=True, exist_ok=True)
    content = {
        "architectures": ["BertForSequenceClassification"],
        "id2label": {"0": "no", "1": "yes"},
    } | config
    (folder / "config.json").write_text(json.dumps(content))
    (folder / "tokenizer.json").write_text("{}")
    save_file(
        {"classifier.weight": np.full((2, 4), weight, dtype=np.float32)},
        folder / "model.safetensors",
    )
    return folder
