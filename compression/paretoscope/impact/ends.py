"""A figure with the two ends of its interval."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Ends:
    """`value` and its interval from `low` to `high`, in any unit."""

    value: float
    low: float
    high: float

    @classmethod
    def exact(cls, value: float) -> Ends:
        return cls(value, value, value)

    def each(self, function: Callable[[float], float]) -> Ends:
        """The function of value and ends, with the ends in order.

        For a monotonic function these are the exact ends of the result.

        >>> Ends(2, 1, 4).each(lambda x: 1 / x)
        Ends(value=0.5, low=0.25, high=1.0)
        """
        value, *ends = map(function, (self.value, self.low, self.high))
        return Ends(value, min(value, *ends), max(value, *ends))
