"""The document of a profile: milliseconds of every part and operator of a model on a machine."""

from __future__ import annotations

from datetime import datetime

from paretoscope.machine import Machine
from paretoscope.trials.request import Conditions
from paretoscope.trials.trial import Interval
from paretoscope.values import Value


class PartTime(Value):
    """Milliseconds of a part in one request: the median over runs with its 95 % interval."""

    part: str
    ms: Interval


class OperatorTime(Value):
    """Milliseconds of all nodes of one operator in one request."""

    operator: str
    count: int
    ms: Interval


class Profile(Value):
    """Where the time of a request goes, by ONNX Runtime's profiler.

    `plain_ms` is the time of a request without the profiler, `profiled_ms` that with it; the parts
    sum to about the latter. `noisy` marks processes whose medians differ by more than 5 %.
    """

    model: str
    trial_id: str
    recipe_id: str
    graph_sha256: str
    machine: Machine
    conditions: Conditions
    processes: int
    runs: int
    plain_ms: Interval
    profiled_ms: Interval
    parts: tuple[PartTime, ...]
    operators: tuple[OperatorTime, ...]
    noisy: bool
    measured_at: datetime

    @property
    def total_ms(self) -> float:
        """Milliseconds in all operators."""
        return sum(each.ms.value for each in self.parts)

    @property
    def by_part(self) -> dict[str, PartTime]:
        return {each.part: each for each in self.parts}

    def share(self, part: str) -> float:
        """The share of a part in the time of all operators; 0 for an unknown part."""
        found = self.by_part.get(part)
        return found.ms.value / self.total_ms if found else 0.0
