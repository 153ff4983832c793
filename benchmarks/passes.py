"""How often calibration texts run: counts the passes for second moments that a piece of work makes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any
from unittest.mock import patch

from paretoscope.pruning.statistics import inputs
from paretoscope.quantization.rounding import hessians

OBSERVERS = ((hessians, "_observe"), (inputs, "_measured"))
"""The functions that run the calibration texts for second moments: a call is a pass, of the whole
model or up to a layer.
"""


@dataclass
class Passes:
    """`count` holds once the work is done."""

    _counters: list[Any] = field(default_factory=list)

    @property
    def count(self) -> int:
        return sum(counter.call_count for counter in self._counters)


@contextmanager
def counted() -> Iterator[Passes]:
    """Counts the passes that are made within."""
    with ExitStack() as counting:
        yield Passes(
            [
                counting.enter_context(patch.object(module, name, wraps=getattr(module, name)))
                for module, name in OBSERVERS
            ]
        )
