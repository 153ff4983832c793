"""Load the module of a row, and check that it has the functions that its contract names.

The contracts of criteria, roundings and calibrations are in `pruning/contract.py`,
`quantization/rounding/contract.py` and `quantization/calibration/contract.py`.
"""

from __future__ import annotations

import inspect
from importlib import import_module
from typing import Any, Protocol, TypeVar, cast

from paretoscope.recipes.context import StageContext

Contract = TypeVar("Contract")


class Row(Protocol):
    """A method of a table, or a stage: anything that names its module."""

    @property
    def module(self) -> str:
        """Import name of the module."""
        ...


class StageModule(Protocol):
    """The module of a stage."""

    def apply(self, stage: Any, model: Any, context: StageContext, /) -> Any:
        """The model or graph after the stage."""
        ...


def load(row: Row, contract: type[Contract]) -> Contract:
    """The module of `row`, checked against `contract`; see `load_module`."""
    return load_module(row.module, contract)


def load_module(name: str, contract: type[Contract]) -> Contract:
    """The module of that import name, which has every function of the protocol `contract`.

    Raises `TypeError` when it lacks one, or has one that does not take the contract's arguments.

    >>> load_module("math", StageModule)
    Traceback (most recent call last):
    ...
    TypeError: math lacks apply(stage, model, context)
    """
    module = import_module(name)
    functions = inspect.getmembers(contract, inspect.isfunction)
    lacking = [
        f"{each}({', '.join(_parameters(function))})"
        for each, function in functions
        if not each.startswith("_") and not _takes(getattr(module, each, None), function)
    ]
    if lacking:
        raise TypeError(f"{name} lacks {' and '.join(lacking)}")
    return cast(Contract, module)


def _parameters(function: Any) -> list[str]:
    """Names of the parameters of a contract's function, without `self`."""
    return list(inspect.signature(function).parameters)[1:]


def _takes(candidate: Any, function: Any) -> bool:
    """Whether `candidate` can be called with the positional arguments of a contract's function."""
    if not callable(candidate):
        return False
    try:
        inspect.signature(candidate).bind(*_parameters(function))
    except TypeError:
        return False
    return True
