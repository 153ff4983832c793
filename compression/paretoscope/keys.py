"""Keys made of content: equal content has an equal key, whatever its name and location."""

from __future__ import annotations

import hashlib
import json
from functools import lru_cache
from pathlib import Path


def file_sha256(path: Path) -> str:
    """The sha256 of a file, cached in this process until its size or modification time changes."""
    stat = path.stat()
    return _file_sha256(str(path), stat.st_size, stat.st_mtime_ns)


@lru_cache(maxsize=256)
def _file_sha256(path: str, _size: int, _mtime_ns: int) -> str:
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def short_key(*parts: str) -> str:
    """A key of 16 hex digits from strings."""
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]


def content_key(*parts: object) -> str:
    """A key of 24 hex digits from values that JSON can represent."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:24]
