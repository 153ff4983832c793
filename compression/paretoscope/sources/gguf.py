"""The header of a GGUF file: metadata and shapes of tensors, without loading weights.

Numbers, booleans, strings and shapes are kept; of lists, such as the vocabulary, only the keys.
transformers reads the tensors, called in `models/pretrained.py`. The format:
https://github.com/ggml-org/ggml/blob/master/docs/gguf.md
"""

from __future__ import annotations

import struct
from functools import lru_cache
from pathlib import Path
from typing import BinaryIO

from paretoscope.errors import ModelError

MAGIC = b"GGUF"
NUMBERS = {
    0: "B",
    1: "b",
    2: "H",
    3: "h",
    4: "I",
    5: "i",
    6: "f",
    7: "?",
    10: "Q",
    11: "q",
    12: "d",
}
"""The `struct` format character of every value type of fixed size."""
STRING, ARRAY = 8, 9
LONGEST_STRING = 16_000_000
"""A longer string is an error: its length is corrupt."""
Value = int | float | bool | str
LIST = "[...]"
"""Stands for the value of a list, which is not read."""


def read_header(path: Path) -> dict[str, Value]:
    """Metadata by key, such as "general.architecture"; raises `ModelError` for an invalid file."""
    stat = path.stat()
    return _read(str(path), stat.st_size, stat.st_mtime_ns)[0]


def tensor_shapes(path: Path) -> dict[str, tuple[int, ...]]:
    """The shape of every tensor by name in torch's order: a matrix is [outputs, inputs]."""
    stat = path.stat()
    return _read(str(path), stat.st_size, stat.st_mtime_ns)[1]


@lru_cache(maxsize=16)
def _read(
    path: str, _size: int, _mtime_ns: int
) -> tuple[dict[str, Value], dict[str, tuple[int, ...]]]:
    """Size and time invalidate the cached value when the file changes."""
    try:
        with Path(path).open("rb") as file:
            if file.read(4) != MAGIC:
                raise ModelError(
                    f'"{path}" is not a GGUF file; give one written by llama.cpp, or a folder with'
                    " config.json and model.safetensors."
                )
            version, tensors, count = struct.unpack("<IQQ", file.read(20))
            if version < 2:
                raise ModelError(
                    f'"{path}" has version {version} of the GGUF format, but 2 or 3 is needed;'
                    " convert it again with a newer llama.cpp."
                )
            found: dict[str, Value] = {}
            for _ in range(count):
                key = _string(file)
                value = _value(file, _number(file, "I"))
                found[key] = LIST if value is None else value
            return found, dict(_tensor(file) for _ in range(tensors))
    except (OSError, struct.error, UnicodeDecodeError, KeyError) as error:
        raise ModelError(
            f'The header of "{path}" is corrupt ({error}); copy or download the file again.'
        ) from error


def _tensor(file: BinaryIO) -> tuple[str, tuple[int, ...]]:
    """Name and shape; type and offset are skipped."""
    name = _string(file)
    shape = tuple(_number(file, "Q") for _ in range(_number(file, "I")))
    file.seek(struct.calcsize("<IQ"), 1)
    return name, shape[::-1]


def _value(file: BinaryIO, kind: int) -> Value | None:
    if kind == STRING:
        return _string(file)
    if kind != ARRAY:
        return _number(file, NUMBERS[kind])
    inner, count = _number(file, "I"), _number(file, "Q")
    if inner in NUMBERS:
        file.seek(struct.calcsize(NUMBERS[inner]) * count, 1)
    else:
        for _ in range(count):
            _value(file, inner)
    return None


def _number(file: BinaryIO, letter: str) -> int:
    return struct.unpack(f"<{letter}", file.read(struct.calcsize(letter)))[0]


def _string(file: BinaryIO) -> str:
    length = _number(file, "Q")
    if length > LONGEST_STRING:
        raise struct.error(f"it has a string of {length} bytes")
    content = file.read(length)
    if len(content) != length:
        raise struct.error("it ends too early")
    return content.decode()
