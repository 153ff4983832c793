"""Compress transformer models, measure the artefacts, compare them on a Pareto front.

`from paretoscope import Recipe, compress, frontier` is the public interface; see `api/`. Its names
are loaded on first use, so importing the package costs nothing.
"""

import sys
from importlib import import_module
from types import ModuleType
from typing import Any

__version__ = "0.1.0"

_PUBLIC = {
    "Recipe": "paretoscope.recipes.recipe",
    "compress": "paretoscope.api.compress",
    "frontier": "paretoscope.api.frontier",
}
"""Public names and the modules that define them; `__init__.pyi` has their types."""


class _Package(ModuleType):
    """The package, with public names that are loaded on first use."""

    def __getattr__(self, name: str) -> Any:
        if name not in _PUBLIC:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(import_module(_PUBLIC[name]), name)

    def __dir__(self) -> list[str]:
        return sorted({*super().__dir__(), *_PUBLIC})

    def __setattr__(self, name: str, value: Any) -> None:
        # Importing the folder `frontier` would replace the function of the same name.
        if not (name in _PUBLIC and isinstance(value, ModuleType)):
            super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Package
