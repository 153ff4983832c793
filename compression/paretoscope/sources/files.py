"""The files of a model's folder: JSON, the list of weights, and the headers of safetensors files.

No weight is loaded. Whether the content can be used is checked in `folder.py`.
"""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import Any, NamedTuple, cast

import safetensors

from paretoscope.errors import ModelError

PICKLES = (".bin", ".pkl", ".pickle", ".pt", ".pth", ".ckpt", ".joblib")
WEIGHTS = "model.safetensors"
INDEX = "model.safetensors.index.json"
LFS_POINTER = b"version https://git-lfs"


class StoredTensor(NamedTuple):
    """Type ("F32", "BF16", "I8", ...) and shape of a tensor in a safetensors file."""

    dtype: str
    shape: tuple[int, ...]


def pickle_error(path: Path) -> ModelError:
    return ModelError(
        f'"{path}" is a pickle file, which can run code when it is opened; convert it to'
        " safetensors."
    )


def read_json(path: Path) -> dict[str, Any]:
    """The JSON object in a file of a model's folder; raises `ModelError` if there is none."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise ModelError(
            f'The folder "{path.parent}" has no {path.name}; give the folder of a transformers'
            " model."
        ) from error
    except (OSError, ValueError) as error:
        raise ModelError(
            f'"{path}" cannot be read as JSON: {error}; copy or download the model again.'
        ) from error
    if not isinstance(content, dict):
        raise ModelError(
            f'"{path}" must be a JSON object, but is a {type(content).__name__}; copy or download'
            " the model again."
        )
    return cast(dict[str, Any], content)


def weight_files(folder: Path) -> list[Path]:
    """`model.safetensors`, or all shards in its index."""
    if (folder / WEIGHTS).is_file():
        return [folder / WEIGHTS]
    if (folder / INDEX).is_file():
        index = read_json(folder / INDEX)
        named: Any = index.get("weight_map")
        files = cast(dict[str, Any], named).values() if isinstance(named, dict) else ()
        shards = [folder / name for name in sorted({str(file) for file in files})]
        missing = [shard.name for shard in shards if not shard.is_file()]
        if missing or not shards:
            raise ModelError(
                f'"{folder / INDEX}" lists {missing[0] if missing else "no file"}, which is'
                " missing; copy or download the model again."
            )
        return shards
    for file in sorted(folder.iterdir()):
        if file.suffix.lower() in PICKLES and file.name != "training_args.bin":
            raise pickle_error(file)
    raise ModelError(
        f'The folder "{folder}" has no weights; add {WEIGHTS}, converted if there is only a pickle.'
    )


def stored_tensors(files: list[Path]) -> dict[str, StoredTensor]:
    """All tensors by name, from the headers of complete safetensors files.

    Raises:
        ModelError: a file is truncated or is not a safetensors file, or two files have a tensor of
        one name.
    """
    found: dict[str, StoredTensor] = {}
    for path in files:
        _check_complete(path)
        header = read_header(path)
        if repeated := sorted(found.keys() & header.keys()):
            raise ModelError(
                f'"{path}" stores {listed(repeated)} again, which another shard has; copy or'
                " download the model again."
            )
        found |= header
    return found


def read_header(path: Path) -> dict[str, StoredTensor]:
    """The tensors of one file: 8 bytes of length, then JSON; raises `ModelError`."""
    try:
        with path.open("rb") as file:
            (length,) = struct.unpack("<Q", file.read(8))
            if length > path.stat().st_size:
                raise ValueError("the file is truncated")
            header: dict[str, Any] = json.loads(file.read(length))
        return {
            name: StoredTensor(str(entry["dtype"]), tuple(entry["shape"]))
            for name, entry in header.items()
            if name != "__metadata__"
        }
    except (OSError, ValueError, KeyError, TypeError, AttributeError, struct.error) as error:
        raise ModelError(
            f'The header of "{path}" cannot be read ({error}); copy or download the file again.'
        ) from error


def _check_complete(path: Path) -> None:
    with path.open("rb") as file:
        if file.read(len(LFS_POINTER)) == LFS_POINTER:
            raise ModelError(
                f'"{path}" is a Git LFS pointer instead of the weights; run `git lfs pull` in the'
                " folder."
            )
    untyped: Any = safetensors  # the package has no annotations
    try:
        with untyped.safe_open(str(path), framework="numpy") as file:
            file.keys()
    except (safetensors.SafetensorError, OSError) as error:
        raise ModelError(
            f'"{path}" is not a complete safetensors file ({error}); copy or download it again.'
        ) from error


def listed(names: list[str], most: int = 3) -> str:
    """The first names of a long list.

    >>> listed(["a"]), listed(["a", "b", "c", "d", "e"])
    ('a', 'a, b, c and 2 more')
    """
    more = len(names) - most
    return ", ".join(names[:most]) + (f" and {more} more" if more > 0 else "")
