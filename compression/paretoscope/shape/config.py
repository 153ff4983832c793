"""A model's config and the headers of its weights, read without loading them."""

from __future__ import annotations

import json
import struct
from functools import lru_cache
from pathlib import Path
from typing import Any

from paretoscope.errors import ModelError
from paretoscope.sources.folder import weight_files
from paretoscope.sources.ref import ModelRef


def family_of(model: ModelRef) -> str:
    """The `model_type` of a model's config; raises `ModelError` where it cannot be read."""
    return str(read_config(Path(model.path or model.name)).get("model_type"))


def read_config(folder: Path) -> dict[str, Any]:
    """The config of a model's folder; raises `ModelError` where there is none."""
    try:
        content = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ModelError(
            f'The folder "{folder}" has no readable config.json; give the folder of a transformers'
            " model."
        ) from error
    if not isinstance(content, dict):
        raise ModelError(f'"{folder / "config.json"}" holds no JSON object; copy the model again.')
    return content  # pyright: ignore[reportUnknownVariableType]


def stored_shapes(folder: Path) -> dict[str, tuple[int, ...]]:
    """Shapes from the headers of all safetensors files of a model: 8 bytes of length, then JSON."""
    found: dict[str, tuple[int, ...]] = {}
    for path in weight_files(folder):
        try:
            with path.open("rb") as file:
                (length,) = struct.unpack("<Q", file.read(8))
                if length > path.stat().st_size:
                    raise ValueError("its header is cut short")
                header: dict[str, Any] = json.loads(file.read(length))
            found |= {
                key: tuple(entry["shape"]) for key, entry in header.items() if key != "__metadata__"
            }
        except (OSError, ValueError, KeyError, TypeError, AttributeError, struct.error) as error:
            raise ModelError(
                f'The header of "{path}" cannot be read ({error}); copy or download the file again.'
            ) from error
    return found


def tokenizer_bytes(path: Path) -> int | None:
    """Size that `tokenizer.json` has once it is written anew without padding and truncation."""
    try:
        stat = path.stat()
    except OSError:
        return None
    return _rewritten_bytes(str(path), stat.st_size, stat.st_mtime_ns)


@lru_cache(maxsize=64)
def _rewritten_bytes(path: str, size: int, changed_ns: int) -> int | None:
    """The two numbers make a rewritten file another cache entry."""
    try:
        content = json.loads(Path(path).read_text(encoding="utf-8"))
        return len(
            json.dumps(
                {**content, "padding": None, "truncation": None},
                ensure_ascii=False,
                separators=(",", ":"),
            ).encode()
        )
    except (OSError, ValueError, TypeError):
        return None
