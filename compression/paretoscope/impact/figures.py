"""What one request costs: seconds, power and threads of a model and its baseline, from a trial."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

from paretoscope.errors import ParetoscopeError
from paretoscope.impact.ends import Ends
from paretoscope.trials.placebo import no_measurable_change
from paretoscope.trials.trial import (
    Energy,
    Generation,
    Latency,
    Measured,
    MetricValue,
    TrialDocument,
)

MEASURING = ("prepare", "export", "accuracy", "latency")
"""Steps of a trial other than its stages."""


class MeasuredRow(Protocol):
    """A measured model with numbers comparable to its baseline's (`report/tables/table.py`)."""

    @property
    def document(self) -> Any:
        """Its `TrialDocument`."""

    @property
    def values(self) -> Mapping[str, MetricValue | None]: ...
    @property
    def baseline(self) -> Any:
        """The baseline's number by metric key, a `Mapping[str, float]`."""


class Shape(NamedTuple):
    """Tokens of a request to a language model; None stands for the measured number."""

    prompt_tokens: int | None = None
    new_tokens: int | None = None


@dataclass(frozen=True)
class RequestCost:
    """`seconds` that one request keeps `threads` threads busy, at `watts` in all."""

    seconds: Ends
    threads: int
    watts: float

    @property
    def joules(self) -> Ends:
        """Energy of a request: seconds x watts."""
        return self.seconds.each(lambda seconds: seconds * self.watts)


@dataclass(frozen=True)
class Figures:
    """The measured figures of a model and its baseline.

    `within_noise` marks a speed-up that the session cannot tell from no change. `making_seconds` is
    the time to compress and measure the model on `cores` cores, 0 for the baseline.
    """

    baseline: RequestCost
    model: RequestCost
    energy_source: str
    making_seconds: float = 0.0
    cores: int = 1
    within_noise: bool = False
    noisy: bool = False
    shape: Shape | None = None

    @property
    def counted(self) -> bool:
        """Whether hardware counters measured the energy."""
        return not self.energy_source.startswith("estimate")


def figures(row: MeasuredRow, shape: Shape | None = None) -> Figures:
    """The figures of a row; raises `ParetoscopeError` where latency or energy is missing.

    A classifier's request takes p50 / batch. A language model's takes time to first token, scaled
    with the prompt, plus the time per token for each further new token, both / batch. Times are
    those of the row, so a normalized p50 is the baseline's over the measured speed-up, and the
    interval is that of the speed-up. Watts are the trial's joules over its seconds.
    """
    document = row.document
    latency, energy = document.latency, document.energy
    if latency is None or energy is None:
        raise ParetoscopeError(
            f"Trial {document.trial_id} has no latency or no energy; measure it again."
        )
    generation = document.generation
    chosen = _chosen(generation, shape)
    seconds = _seconds(row, latency.batch, generation, chosen)
    model = RequestCost(seconds, latency.threads, _watts(latency, generation, energy))
    paired, speedup = document.baseline, document.speedup
    return Figures(
        baseline=_baseline_cost(row, paired, chosen) if paired else model,
        model=model,
        energy_source=energy.source,
        making_seconds=_making(document),
        cores=document.machine.cores if document.machine else latency.threads,
        within_noise=bool(speedup and no_measurable_change(speedup, document.placebo)),
        noisy=latency.noisy,
        shape=chosen if generation else None,
    )


def _chosen(generation: Generation | None, shape: Shape | None) -> Shape:
    """The shape with measured numbers where none are given."""
    if generation is None:
        return Shape()
    prompt, new = shape or Shape()
    return Shape(prompt or generation.prompt_tokens, new or generation.new_tokens)


def _seconds(row: MeasuredRow, batch: int, generation: Generation | None, shape: Shape) -> Ends:
    """Seconds of a request, with the ends of its times."""
    time = _ends(row, row.document.axes.time)
    if generation is None:
        return time.each(lambda ms: ms / 1000 / batch)
    first = _ends(row, "ttft_ms")
    ends = zip((first.value, first.low, first.high), (time.value, time.low, time.high), strict=True)
    value, low, high = (_generating(ttft, tpot, generation, shape) / batch for ttft, tpot in ends)
    return Ends(value, low, high)


def _generating(ttft_ms: float, tpot_ms: float, measured: Generation, shape: Shape) -> float:
    """Seconds for a prompt and new tokens; the first token comes with the prompt.

    The time to the first token grows in proportion to the prompt.
    """
    prompt, new = (shape.prompt_tokens or 1), (shape.new_tokens or 1)
    return (ttft_ms * prompt / measured.prompt_tokens + tpot_ms * (new - 1)) / 1000


def _ends(row: MeasuredRow, key: str) -> Ends:
    found = row.values.get(key)
    if found is None:
        raise ParetoscopeError(f"Trial {row.document.trial_id} has no {key}; measure it again.")
    low, high = (found.value if end is None else end for end in (found.low, found.high))
    return Ends(found.value, min(low, found.value), max(high, found.value))


def _baseline_cost(row: MeasuredRow, paired: Measured, shape: Shape) -> RequestCost:
    """The baseline's times as the row has them, without an interval of their own.

    The interval of the speed-up includes the baseline's spread.
    """
    numbers: Mapping[str, float] = row.baseline
    time = numbers[row.document.axes.time]
    seconds = (
        _generating(numbers["ttft_ms"], time, paired.generation, shape)
        if paired.generation
        else time / 1000
    )
    latency = paired.latency
    return RequestCost(
        Ends.exact(seconds / latency.batch),
        latency.threads,
        _watts(latency, paired.generation, paired.energy),
    )


def _watts(latency: Latency, generation: Generation | None, energy: Energy) -> float:
    """Mean power during the measured requests: joules of a request / its seconds."""
    if generation is None:
        seconds = latency.p50_ms / 1000
    else:
        measured = Shape(generation.prompt_tokens, generation.new_tokens)
        seconds = _generating(generation.ttft_ms, generation.tpot_ms, generation, measured)
    return energy.joules_per_request * latency.batch / seconds


def _making(document: TrialDocument) -> float:
    """Seconds of compressing and measuring; stages as timed when they were computed."""
    if document.is_baseline:
        return 0.0
    if not document.stage_seconds:
        return sum(document.timings_s.values())
    steps = sum(document.timings_s.get(step, 0.0) for step in MEASURING)
    return sum(document.stage_seconds) + steps
