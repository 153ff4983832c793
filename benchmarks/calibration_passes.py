"""Counts how many times the calibration texts run through a model."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any
from unittest.mock import patch

from paretoscope.pruning.statistics import inputs
from paretoscope.quantization.rounding import hessians

OBSERVERS = ((hessians, "_observe"), (inputs, "_measured"))
"""The functions that compute second moments: one call is one pass, of all layers or up to one."""


@dataclass
class Passes:
    """`count` is final when the block of `count_passes` has ended."""

    _counters: list[Any] = field(default_factory=list)

    @property
    def count(self) -> int:
        return sum(counter.call_count for counter in self._counters)


@contextmanager
def count_passes() -> Iterator[Passes]:
    """Count the calibration passes made inside the block."""
    with ExitStack() as counting:
        yield Passes(
            [
                counting.enter_context(patch.object(module, name, wraps=getattr(module, name)))
                for module, name in OBSERVERS
            ]
        )
