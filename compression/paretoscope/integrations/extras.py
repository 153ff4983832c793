"""Libraries of optional extras, imported when a command needs them."""

from __future__ import annotations

from importlib import import_module
from types import ModuleType

from paretoscope.errors import ParetoscopeError


def extra(module: str, name: str, needed_for: str) -> ModuleType:
    """The module of the extra `name`; raises `ParetoscopeError` when it is not installed."""
    try:
        return import_module(module)
    except ImportError as error:
        raise ParetoscopeError(
            f"{needed_for} needs the package {module.partition('.')[0]}, which cannot be imported"
            f" ({error}); install it with: pip install 'paretoscope[{name}]'"
        ) from error
