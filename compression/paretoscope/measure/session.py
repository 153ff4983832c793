"""A measurement session: an artefact, its baseline and a placebo, timed in interleaved turns.

The placebo is the baseline once more, timed as a candidate is: its ratio to the baseline shows what
this session calls a difference where there is none.

Every turn is a process of its own, because ONNX Runtime sessions that share a process disturb each
other: their idle threads spin. What a turn does is in `measure/worker/`, what one turn asks for in
`latency.py` and `generation.py`. The caller holds the machine exclusively (`locks.measuring`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any, Generic, NamedTuple, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from paretoscope.machine import usable_cores
from paretoscope.measure import energy
from paretoscope.measure.worker.messages import (
    GenerationAnswer,
    GenerationRequest,
    LatencyAnswer,
    LatencyRequest,
)
from paretoscope.statistics import intervals
from paretoscope.trials.request import Conditions
from paretoscope.trials.request import Protocol as MeasuringProtocol
from paretoscope.trials.trial import Energy, Generation, Interval, Latency, Memory

Request = TypeVar("Request", LatencyRequest, GenerationRequest)
Answer = TypeVar("Answer", LatencyAnswer, GenerationAnswer)
Turns = tuple[NDArray[np.float64], ...]
"""Raw samples in milliseconds, one array per turn."""

MOST_DRIFT = 0.05
"""Relative difference between the turns of the reference above which a session is repeated; if the
repetition is no better, the result is marked noisy.
"""


@dataclass(frozen=True)
class Side:
    """The measurements of one model in a session; `turns_ms` are its raw samples."""

    latency: Latency
    memory: Memory
    energy: Energy
    turns_ms: Turns
    generation: Generation | None = None
    """Of a decoder only; its `turns_ms` are times per output token."""
    first_ms: Turns = ()
    """Of a decoder only: times to the first token."""


@dataclass(frozen=True)
class MeasurementSession:
    """The result of a session; `baseline` and `speedup` are None for the baseline itself.

    `placebo` is the ratio of the baseline to itself.
    """

    candidate: Side
    baseline: Side | None
    speedup: Interval | None
    placebo: Interval
    notes: tuple[str, ...]

    @property
    def noisy(self) -> bool:
        return self.candidate.latency.noisy

    def arrays(self) -> dict[str, NDArray[np.float64]]:
        """Raw samples in milliseconds by name, for `numpy.savez_compressed`.

        The names are `candidate_turn1`, `baseline_turn1` and so on; for a decoder there are
        `candidate_first_turn1` and so on, too.
        """
        sides = {"candidate": self.candidate, "baseline": self.baseline}
        samples = {name: side.turns_ms for name, side in sides.items() if side} | {
            f"{name}_first": side.first_ms for name, side in sides.items() if side
        }
        return {
            f"{name}_turn{number}": turn
            for name, turns in samples.items()
            for number, turn in enumerate(turns, start=1)
        }


class Timer(Protocol):
    """Measures latency, memory and energy of an artefact, interleaved with its baseline."""

    def __call__(
        self,
        artifact: Path,
        baseline: Path | None,
        conditions: Conditions,
        protocol: MeasuringProtocol,
        progress: Callable[[int, int], None] | None = None,
    ) -> MeasurementSession:
        """`artifact` and `baseline` are folders; `progress` is called with (turns done, of turns).

        Raises `ArtifactError` for a model that cannot be loaded or run under the conditions.
        """
        ...


class Answers(NamedTuple, Generic[Answer]):
    """Answers `by_model` [models][turns] and those of the `placebo` [turns]; `noisy` when the
    reference drifted by more than 5 %.
    """

    by_model: list[list[Answer]]
    placebo: list[Answer]
    noisy: bool
    notes: tuple[str, ...]


def interleaved(
    requests: Sequence[Request],
    ask: Callable[[Request], Answer],
    turns: int,
    at: Conditions,
    progress: Callable[[int, int], None] | None,
) -> Answers[Answer]:
    """Run `turns` turns of the reference, the other model and the placebo, one after the other.

    `requests` has one request per model, and `ask` sends one to a new measuring process. The first
    model is the reference, and the placebo is a second copy of it. When the turns of the reference
    differ by more than 5 %, a second session is run, and the steadier of the two counts.
    """
    for request in requests:
        _read_through(Path(request["model"]))
    requests = [*requests, requests[0]]
    count = turns * len(requests)
    sessions = [_run_session(requests, ask, turns, lambda done: progress and progress(done, count))]
    if drift(sessions[0][0]) > MOST_DRIFT:
        sessions.append(
            _run_session(
                requests, ask, turns, lambda done: progress and progress(count + done, 2 * count)
            )
        )
    steadiest = min(sessions, key=lambda session: drift(session[0]))
    noisy = drift(steadiest[0]) > MOST_DRIFT
    return Answers(steadiest[:-1], steadiest[-1], noisy, _notes(steadiest, len(sessions), at))


def _run_session(
    requests: Sequence[Request],
    ask: Callable[[Request], Answer],
    turns: int,
    done: Callable[[int], Any],
) -> list[list[Answer]]:
    """Answers [models][turns] of one session; `done` is called with the number of turns done.

    The order after the reference is reversed in every second turn, so that candidate and placebo
    are equally often the next and the last.
    """
    answers: list[list[Answer]] = [[] for _ in requests]
    count = 0
    for turn in range(turns):
        after = range(1, len(requests))
        for model in (0, *(reversed(after) if turn % 2 else after)):
            answers[model].append(ask(requests[model]))
            done(count := count + 1)
    return answers


def drift(turns: Sequence[LatencyAnswer]) -> float:
    """Slowest over fastest median of a model's turns, minus one."""
    medians = [median(turn["samples_ns"]) for turn in turns]
    return max(medians) / min(medians) - 1


def ratio(baseline: Turns, candidate: Turns) -> Interval:
    """Median of the baseline over that of the candidate, with its bootstrap interval."""
    value, low, high = intervals.ratio_of_medians(baseline, candidate)
    return Interval(value=value, low=low, high=high)


def quantiles(samples: NDArray[np.float64], load_ms: float, at: Conditions, noisy: bool) -> Latency:
    """Quantiles of samples in milliseconds; None where the samples are too few for one."""
    low, high = intervals.median_interval(samples) or (None, None)
    return Latency(
        batch=at.batch,
        sequence=at.sequence,
        threads=at.threads,
        n=len(samples),
        p50_ms=float(np.median(samples)),
        p50_low_ms=low,
        p50_high_ms=high,
        p90_ms=float(np.quantile(samples, 0.9)),
        p95_ms=intervals.supported_quantile(samples, 0.95),
        p99_ms=intervals.supported_quantile(samples, 0.99),
        load_ms=load_ms,
        noisy=noisy,
    )


def resident_memory(turns: Sequence[LatencyAnswer]) -> Memory:
    """Medians over the turns of the memory above that of an empty runtime."""
    peak = median(turn["peak_bytes"] - turn["empty_bytes"] for turn in turns)
    steady = median(turn["steady_bytes"] - turn["empty_bytes"] for turn in turns)
    return Memory(peak_bytes=max(0, round(peak)), steady_bytes=max(0, round(steady)))


def energy_of(turns: Sequence[LatencyAnswer], runs: int, run_ms: float, at: Conditions) -> Energy:
    """Joules of one request, from `runs` runs of one batch that took `run_ms` milliseconds each."""
    counted = [turn["joules"] for turn in turns if turn["joules"] is not None]
    joules = sum(counted) if len(counted) == len(turns) else None
    per_request, source = energy.per_request(joules, runs * at.batch, run_ms, at.batch, at.threads)
    return Energy(joules_per_request=per_request, source=source)


def _read_through(model: Path) -> None:
    """Read the model into the page cache, so that the first load time does not include the disk."""
    for path in model.parent.glob(f"{model.name}*"):
        with path.open("rb") as file:
            while file.read(2**22):
                pass


def _notes(
    models: Sequence[Sequence[LatencyAnswer]], sessions: int, conditions: Conditions
) -> tuple[str, ...]:
    """What a reader of the numbers should know, as short sentences without a full stop."""
    notes: list[str] = []
    turns = [turn for model in models for turn in model]
    if conditions.threads > usable_cores():
        notes.append(f"{conditions.threads} threads share {usable_cores()} cores")
    if sessions > 1:
        apart, reference = drift(models[0]), "baseline" if len(models) > 2 else "model"
        verdict = "noisy" if apart > MOST_DRIFT else "steady"
        notes.append(
            f"measured twice; in the steadier session, which is {verdict}, the turns of the"
            f" {reference} differ by {apart:.0%}"
        )
    if unsettled := sum(not turn["stable"] for turn in turns):
        notes.append(f"the warm-up of {unsettled} of {len(turns)} turns did not settle within 2 %")
    if any(turn["peak_from_start"] for turn in turns):
        notes.append(
            "peak memory includes the imports, because this system cannot reset the peak of a"
            " process"
        )
    return tuple(notes)
