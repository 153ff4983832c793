"""A model's config, the headers of its weights and the size of its tokenizer file.

Weights are not loaded.
"""

from __future__ import annotations

import json
from functools import lru_cache
from pathlib import Path
from typing import Any, cast

from paretoscope.errors import ModelError
from paretoscope.sources.files import read_header, weight_files
from paretoscope.sources.ref import ModelRef


def family_of(model: ModelRef) -> str:
    """The `model_type` in a model's config; raises `ModelError` if it cannot be read."""
    return str(read_config(Path(model.path or model.name)).get("model_type"))


def read_config(folder: Path) -> dict[str, Any]:
    """The config of a model's folder; raises `ModelError` if it cannot be read."""
    try:
        content = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ModelError(
            f'The folder "{folder}" has no readable config.json; give the folder of a transformers'
            " model."
        ) from error
    if not isinstance(content, dict):
        raise ModelError(
            f'"{folder / "config.json"}" is not a JSON object; copy or download the model again.'
        )
    return cast(dict[str, Any], content)


def stored_shapes(folder: Path) -> dict[str, tuple[int, ...]]:
    """Shapes of all tensors, from the headers of the safetensors files."""
    return {
        name: tensor.shape
        for path in weight_files(folder)
        for name, tensor in read_header(path).items()
    }


def uneven_layers(where: Path | str) -> ModelError:
    """The error for a model whose layers are missing or have different widths."""
    return ModelError(
        f'The layers in "{where}" are missing or have different widths, so the size of a compressed'
        " model cannot be computed in advance; measure it instead."
    )


def tokenizer_bytes(path: Path) -> int | None:
    """Size of `tokenizer.json` in an artefact, that is without padding and truncation."""
    try:
        stat = path.stat()
    except OSError:
        return None
    return _rewritten_bytes(str(path), stat.st_size, stat.st_mtime_ns)


@lru_cache(maxsize=64)
def _rewritten_bytes(path: str, _size: int, _mtime_ns: int) -> int | None:
    """Size and time invalidate the cached value when the file changes."""
    try:
        content = json.loads(Path(path).read_text(encoding="utf-8"))
        changed = {**content, "padding": None, "truncation": None}
        return len(json.dumps(changed, ensure_ascii=False, separators=(",", ":")).encode())
    except (OSError, ValueError, TypeError):
        return None
